import { path, rule, stepFor, svg, text } from './svg.ts'

export interface LinePanel {
  readonly unit: string
  readonly lines: readonly { readonly label: string, readonly points: ReadonlyArray<readonly [x: number, y: number]> }[]
}

const width = 820
const left = 56
const right = 110
const panelHeight = 170
const labelDistance = 16

/** Lines over the same x, a panel below the other. */
export function lineChart ({ title, xUnit, panels }: { readonly title: string, readonly xUnit: string, readonly panels: readonly LinePanel[] }): string {
  const parts = [text(12, 26, title, { kind: 'title' })]
  const xMax = Math.max(...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))), Number.MIN_VALUE)
  const xOf = (x: number) => left + x / xMax * (width - left - right)
  let y = 48
  for (const { unit, lines } of panels) {
    const yMax = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 1) * 1.05
    const bottom = y + panelHeight
    const yOf = (value: number) => bottom - value / yMax * panelHeight
    parts.push(text(12, y - 4, unit, { kind: 'quiet' }))
    const step = stepFor(yMax, 5)
    for (let at = 0; at <= yMax; at += step) parts.push(rule(left, yOf(at), width - right, yOf(at)), text(left - 8, yOf(at) + 4, String(Math.round(at * 100) / 100), { kind: 'quiet', anchor: 'end' }))
    for (const { i, label, y: labelY } of spread(lines.map(({ label, points }, i) => ({ i, label, y: yOf(points.at(-1)?.[1] ?? 0) })), bottom)) {
      parts.push(path(lines[i]!.points.map(([x, value]) => [xOf(x), yOf(value)]), `line-${i}`), text(width - right + 8, labelY + 4, label, { kind: `label-${i}` }))
    }
    y = bottom + 36
  }
  const step = stepFor(xMax, 10)
  for (let at = 0; at <= xMax; at += step) parts.push(text(xOf(at), y - 18, String(Math.round(at * 100) / 100), { kind: 'quiet', anchor: 'middle' }))
  parts.push(text(width - 12, y - 18, xUnit, { kind: 'quiet', anchor: 'end' }))
  return svg({ width, height: y, title, content: parts.join('\n') })
}

/** Labels stand at the ends of their lines, but never one on another, nor below the panel. */
function spread<Label extends { y: number }> (labels: readonly Label[], bottom: number): Label[] {
  let lowest = bottom + labelDistance
  return labels.toSorted((a, b) => b.y - a.y).map(label => {
    lowest = Math.min(label.y, lowest - labelDistance)
    return { ...label, y: lowest }
  })
}
