const whole = new Intl.NumberFormat('en')
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })
const smallPercent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 })

export function countOf (value: number): string {
  return whole.format(value)
}

/** `1.2M`, for axes and tiles; below 10,000 in full. */
export function shortCount (value: number): string {
  return value < 10_000 ? whole.format(value) : compact.format(value)
}

export function requestsOf (value: number): string {
  return countedOf(value, 'request')
}

/** `1 error`, `2 errors`, `3 entries`: a number with its noun. */
export function countedOf (value: number, noun: string): string {
  return `${countOf(value)} ${value === 1 ? noun : /[^aeo]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}

export function shareOf (part: number, all: number): string {
  if (all === 0) return '0%'
  const share = part / all
  if (share > 0 && share < 0.0001) return '< 0.01%'
  return (share < 0.01 ? smallPercent : percent).format(share)
}

export function millisecondsOf (value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ms`
}

export function bytesOf (value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']
  let rest = value
  let unit = 0
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : Number(rest.toFixed(1))} ${units[unit]}`
}
