const style = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 } .quiet { fill: #57606a } .strong { font-weight: 600 }
  .grid { stroke: #d0d7de; stroke-width: 1 } .ours { fill: #0969da } .other { fill: #8c959f } .light { fill: #c8d1da }
  .ours-light { fill: #9cc7f5 } .line-0 { stroke: #0969da } .line-1 { stroke: #bc4c00 } .line-2 { stroke: #1a7f37 }
  .line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
  .label-0 { fill: #0969da } .label-1 { fill: #bc4c00 } .label-2 { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } .ours { fill: #4493f8 } .other { fill: #768390 }
    .light { fill: #444c56 } .ours-light { fill: #1f4f8f } .line-0 { stroke: #4493f8 } .line-1 { stroke: #f0883e }
    .line-2 { stroke: #3fb950 } .label-0 { fill: #4493f8 } .label-1 { fill: #f0883e } .label-2 { fill: #3fb950 }
  }`

/** A picture that follows its viewer's light or dark scheme. */
export function svg ({ width, height, title, content }: { readonly width: number, readonly height: number, readonly title: string, readonly content: string }): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${style}
</style>
${content}
</svg>
`
}

export function text (x: number, y: number, content: string, { kind = '', anchor = 'start' }: { readonly kind?: string, readonly anchor?: 'start' | 'middle' | 'end' } = {}): string {
  return `<text x="${short(x)}" y="${short(y)}" text-anchor="${anchor}"${kind === '' ? '' : ` class="${kind}"`}>${escaped(content)}</text>`
}

export function rect (x: number, y: number, width: number, height: number, kind: string): string {
  return `<rect x="${short(x)}" y="${short(y)}" width="${short(Math.max(width, 1))}" height="${short(height)}" rx="2" class="${kind}"/>`
}

export function rule (x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${short(x1)}" y1="${short(y1)}" x2="${short(x2)}" y2="${short(y2)}" class="grid"/>`
}

export function path (points: ReadonlyArray<readonly [x: number, y: number]>, kind: string): string {
  return `<path d="M${points.map(([x, y]) => `${short(x)},${short(y)}`).join(' L')}" class="line ${kind}"/>`
}

/** The least of 1, 2 or 5 times a power of ten that is a step to `max` in `steps` or fewer. */
export function stepFor (max: number, steps: number): number {
  const raw = Math.max(max, Number.MIN_VALUE) / steps
  const power = 10 ** Math.floor(Math.log10(raw))
  return ([1, 2, 5, 10].find(factor => factor * power >= raw) ?? 10) * power
}

function short (value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped (content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
