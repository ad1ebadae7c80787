/** One metric family of Prometheus' text format. */
export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: { readonly name: string, readonly labels: Readonly<Record<string, string>>, readonly value: number }[]
}

/**
 * Reads Prometheus' text format 0.0.4 strictly: throws at whatever a scraper would refuse or misread.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parseExposition (text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line does not end')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let help: readonly [name: string, text: string] | null = null
  let current: readonly [name: string, Family] | null = null
  for (const line of text.split('\n')) {
    if (line === '') continue
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string]
      if (families.has(name)) throw new Error(`${kind} of ${name} twice, or apart from its samples`)
      if (kind === 'HELP') {
        help = [name, rest]
        continue
      }
      if (help?.[0] !== name) throw new Error(`No HELP before TYPE of ${name}`)
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`Unknown type: ${line}`)
      current = [name, { type: rest, help: help[1], samples: [] }]
      families.set(...current)
      continue
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[-+]?[0-9]+)?|Na[nN]|[+-]Inf)$/.exec(line)
    if (sample === null) throw new Error(`Not a line of the format: ${line}`)
    if (current === null) throw new Error(`Sample before any TYPE: ${line}`)
    const [, name, labelText, value] = sample as unknown as [string, string, string | undefined, string]
    const [family, { type, samples }] = current
    const suffix = name.startsWith(family) ? name.slice(family.length) : null
    if (suffix === null || !(type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).includes(suffix)) {
      throw new Error(`Sample outside of its family: ${line}`)
    }
    const labels = parseLabels(labelText ?? '')
    const identity = name + JSON.stringify(Object.entries(labels).sort())
    if (seen.has(identity)) throw new Error(`The same sample twice: ${line}`)
    seen.add(identity)
    samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity').replace('Nan', 'NaN')) })
  }
  for (const [name, family] of families) {
    if (family.type === 'histogram') checkHistogram(name, family)
  }
  return families
}

function parseLabels (text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest)
    if (label === null) throw new Error(`Malformed labels: ${text}`)
    const [all, name, value] = label as unknown as [string, string, string]
    if (name in labels) throw new Error(`A label twice: ${text}`)
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => escaped === 'n' ? '\n' : escaped)
    rest = rest.slice(all.length)
  }
  return labels
}

/** Each series: buckets ascending and cumulative, +Inf last and equal to the count, one sum. */
function checkHistogram (name: string, { samples }: Family): void {
  const series = new Map<string, { bounds: number[], counts: number[], sum?: number, count?: number }>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const id = JSON.stringify(Object.entries(labels).sort())
    const entry = series.get(id) ?? { bounds: [], counts: [] }
    series.set(id, entry)
    if (sample.name === `${name}_sum`) entry.sum = sample.value
    else if (sample.name === `${name}_count`) entry.count = sample.value
    else {
      if (le === undefined) throw new Error(`A bucket of ${name} without le`)
      entry.bounds.push(Number(le.replace('Inf', 'Infinity')))
      entry.counts.push(sample.value)
    }
  }
  for (const [id, { bounds, counts, sum, count }] of series) {
    const isAscending = (values: number[], isStrict: boolean) =>
      values.every((value, i) => i === 0 || value > values[i - 1]! || (!isStrict && value === values[i - 1]))
    if (bounds.at(-1) !== Infinity) throw new Error(`${name}${id} lacks +Inf`)
    if (!isAscending(bounds, true)) throw new Error(`${name}${id}: bounds out of order`)
    if (!isAscending(counts, false)) throw new Error(`${name}${id}: counts are not cumulative`)
    if (count === undefined || counts.at(-1) !== count) throw new Error(`${name}${id}: +Inf is not the count`)
    if (sum === undefined || Number.isNaN(sum)) throw new Error(`${name}${id} lacks its sum`)
  }
}
