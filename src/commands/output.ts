import { styleText } from 'node:util'

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/**
 * How a command shows its result: aligned tables, relative times and colours for people on a terminal; the same
 * columns without colour and with ISO times in a pipe; one line of JSON for machines.
 */
export class Output {
  readonly isTerminal: boolean
  readonly #stream: NodeJS.WriteStream
  readonly #hasColours: boolean

  constructor (stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream
    this.isTerminal = stream.isTTY === true
    // Node's hasColors() honours NO_COLOR, NODE_DISABLE_COLORS, FORCE_COLOR and TERM.
    this.#hasColours = this.isTerminal && stream.hasColors()
  }

  line (text = ''): void {
    this.#stream.write(`${text}\n`)
  }

  json (value: unknown): void {
    this.line(JSON.stringify(value))
  }

  colour (colour: Colour, text: string): string {
    return this.#hasColours ? styleText(colour, text) : text
  }

  /** Prints a header and rows in aligned columns. `paint` colours a padded cell, given its row and column number. */
  table (header: readonly string[], rows: readonly (readonly string[])[], paint?: (cell: string, row: number, column: number) => string): void {
    const cells = rows.map(row => row.map(printable))
    const widths = header.map((title, column) => Math.max(width(title), ...cells.map(row => width(row[column] ?? ''))))
    const padded = (row: readonly string[]) => row.map((cell, column) => column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
    this.line(this.colour('bold', padded(header).join('  ')))
    for (const [index, row] of cells.entries()) {
      this.line(padded(row).map((cell, column) => paint === undefined ? cell : paint(cell, index, column)).join('  ').trimEnd())
    }
  }

  /** Prints names and values, one pair a line, aligned. */
  pairs (pairs: readonly (readonly [name: string, value: string])[]): void {
    const widest = Math.max(...pairs.map(([name]) => width(name)))
    for (const [name, value] of pairs) {
      this.line(`${this.colour('dim', name + ' '.repeat(widest - width(name)))}  ${printable(value)}`.trimEnd())
    }
  }

  /** `3 days ago` on a terminal, ISO 8601 in a pipe; `fallback` for null. */
  time (time: Date | null, fallback: string, nowMs = Date.now()): string {
    if (time === null) return fallback
    return this.isTerminal ? relativeTime(time.getTime() - nowMs) : time.toISOString()
  }
}

/** Stored text comes from anybody: control characters could rewrite a terminal, so they are shown and not sent. */
export function printable (text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, character => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`)
}

/** `1 route`, `2 routes`. */
export function counted (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

const units: readonly (readonly [name: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

/** A signed distance in milliseconds in words: `in 3 days`, `5 minutes ago`, `now`. */
export function relativeTime (distanceMs: number): string {
  const [unit, ms] = units.find(([, ms]) => Math.abs(distanceMs) >= ms) ?? ['second', Infinity]
  // Rounded, or a key made a moment ago for 90 days would expire in 2 months.
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(distanceMs / ms) + 0, unit)
}

function width (text: string): number {
  return [...text].length
}
