import { writeFileSync } from 'node:fs'
import type { ChangeKind } from './changes.ts'
import type { Exchange, Violation } from './exchange.ts'
import type { FaultKind } from './faults.ts'
import { relative } from './history.ts'
import type { Timeline } from './timeline.ts'

export interface Summary {
  readonly seed: number
  readonly minutes: number
  readonly keys: number
  readonly requests: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly faults: Partial<Record<FaultKind, number>>
  readonly changes: Partial<Record<ChangeKind, number>>
  readonly changesOfUnknownOutcome: readonly string[]
  readonly rows: number
  readonly rowsWaitingMax: number
  readonly scrapes: number
  /** Times that the machine was too busy for its own database, and so excused an outage. */
  readonly slowAnswers: number
  readonly slowestAnswerMs: number
  readonly violations: Readonly<Record<string, number>>
}

const toldInFullMax = 20
const nearMs = 8_000

/** What people read of a run: a line a fault, every violation with what led to it, and the figures at the end. */
export class Report {
  readonly violations: Violation[] = []
  readonly #timeline: Timeline
  readonly #logLinesOf: (exchange: Exchange) => Promise<string[]>
  readonly #beganMs = Date.now()

  constructor (timeline: Timeline, logLinesOf: (exchange: Exchange) => Promise<string[]>) {
    this.#timeline = timeline
    this.#logLinesOf = logLinesOf
  }

  say (text: string): void {
    const seconds = ((Date.now() - this.#beganMs) / 1000).toFixed(1).padStart(6)
    process.stdout.write(`${seconds} s  ${text}\n`)
  }

  violated (violation: Violation): void {
    this.violations.push(violation)
    this.say(`VIOLATION ${this.violations.length}: ${violation.kind}: ${violation.what}`)
    if (this.violations.length > toldInFullMax || violation.exchange === null) return
    for (const line of this.#accountOf(violation.exchange)) this.say(`    ${line}`)
  }

  /** What the gateway logged of the requests in question. */
  async tellLogs (): Promise<void> {
    for (const [i, { exchange }] of this.violations.slice(0, toldInFullMax).entries()) {
      if (exchange === null) continue
      for (const line of await this.#logLinesOf(exchange)) this.say(`log of violation ${i + 1}: ${line}`)
    }
  }

  tellSummary (summary: Summary, jsonFile: string | undefined): void {
    const listed = (counts: Readonly<Record<string, number | undefined>>) => {
      const entries = Object.entries(counts).sort(([, a = 0], [, b = 0]) => b - a)
      return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${count} ${name}`).join(', ')
    }
    process.stdout.write(`
seed        ${summary.seed}, ${summary.minutes.toFixed(1)} minutes, ${summary.keys} keys at first
requests    ${summary.requests}: ${listed(summary.outcomes)}
faults      ${listed(summary.faults)}
changes     ${listed(summary.changes)}; of unknown outcome: ${summary.changesOfUnknownOutcome.join('; ') || 'none'}
usage rows  ${summary.rows}; ${summary.rowsWaitingMax} waiting at the most; ${summary.scrapes} scrapes
busy        the machine was ${summary.slowAnswers} times too busy to answer a query at once; the slowest took ${summary.slowestAnswerMs} ms
violations  ${listed(summary.violations)}
`)
    if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify({ ...summary, accounts: this.violations.map(violation => this.#plain(violation)) }, null, 2)}\n`)
  }

  #accountOf (exchange: Exchange): string[] {
    const { id, method, path, gateway, life, bodyBytes, credential, secret, sentAtMs, endedAtMs, outcome } = exchange
    const windows = this.#timeline.windows
      .filter(({ fromMs, toMs }) => fromMs <= endedAtMs + nearMs && toMs >= sentAtMs - nearMs)
      .map(({ excuse, what, gateway: where, fromMs, toMs }) => `${excuse} window, ${where ?? 'everywhere'}, ${relative(fromMs, sentAtMs)} to ${relative(toMs, sentAtMs)}: ${what}`)
    const notes = this.#timeline.notes.filter(({ atMs }) => Math.abs(atMs - sentAtMs) <= nearMs).map(({ atMs, text }) => `${relative(atMs, sentAtMs)}: ${text}`)
    return [
      `${id} ${method} ${path}, ${bodyBytes} bytes, credential ${credential} ${secret?.name ?? ''}, at ${gateway} (life ${life}), sent ${new Date(sentAtMs).toISOString()}, ended ${relative(endedAtMs, sentAtMs)}: ${JSON.stringify(outcome)}`,
      ...(secret?.near(sentAtMs, nearMs) ?? []).map(line => `key   ${line}`),
      ...windows,
      ...notes,
    ]
  }

  #plain ({ kind, what, exchange }: Violation): object {
    return { kind, what, account: exchange === null ? [] : this.#accountOf(exchange) }
  }
}

export function countedBy <T> (items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1
  return counts
}
