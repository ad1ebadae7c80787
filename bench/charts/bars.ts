import { rect, rule, stepFor, svg, text } from './svg.ts'

export interface Bar {
  readonly label: string
  readonly isOurs: boolean
  readonly value: number
  /** Drawn behind the value, lighter: a higher percentile. */
  readonly further?: number
  /** Written at the end of the bar. */
  readonly note: string
}

export interface BarPanel {
  readonly title: string
  readonly subtitle: string
  readonly bars: readonly Bar[]
}

const width = 820
const labelWidth = 230
const noteWidth = 165
const barHeight = 20
const rowHeight = 30

/** Horizontal bars, a panel below the other. */
export function barChart (panels: readonly BarPanel[], title: string): string {
  let y = 12
  const parts: string[] = []
  for (const panel of panels) {
    const max = Math.max(...panel.bars.map(({ value, further = 0 }) => Math.max(value, further)))
    const scale = (value: number) => value / max * (width - labelWidth - noteWidth)
    parts.push(text(12, y + 14, panel.title, { kind: 'title' }), text(12, y + 34, panel.subtitle, { kind: 'quiet' }))
    const top = y + 48
    const bottom = top + panel.bars.length * rowHeight
    const step = stepFor(max, 5)
    for (let at = 0; at <= max; at += step) {
      parts.push(rule(labelWidth + scale(at), top, labelWidth + scale(at), bottom), text(labelWidth + scale(at), bottom + 16, String(Math.round(at * 100) / 100), { kind: 'quiet', anchor: 'middle' }))
    }
    for (const [i, { label, isOurs, value, further, note }] of panel.bars.entries()) {
      const row = top + i * rowHeight + (rowHeight - barHeight) / 2
      parts.push(text(labelWidth - 10, row + 15, label, { kind: isOurs ? 'strong' : '', anchor: 'end' }))
      if (further !== undefined) parts.push(rect(labelWidth, row, scale(further), barHeight, isOurs ? 'ours-light' : 'light'))
      parts.push(rect(labelWidth, row, scale(value), barHeight, isOurs ? 'ours' : 'other'))
      parts.push(text(labelWidth + scale(Math.max(value, further ?? 0)) + 8, row + 15, note, { kind: isOurs ? 'strong' : '' }))
    }
    y = bottom + 40
  }
  return svg({ width, height: y, title, content: parts.join('\n') })
}
