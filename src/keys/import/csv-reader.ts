import { UnreadableSourceError } from './faults.ts'
import { rowCharsMax } from './source-row.ts'

export interface CsvRecord {
  /** Where it begins, from 1. */
  readonly line: number
  /** null: empty and without quotes, which is how NULL is written. */
  readonly cells: readonly (string | null)[]
  /** What is wrong with how it is written; the cells are a guess then. */
  readonly fault: string | null
}

type State = 'start' | 'plain' | 'quoted' | 'quote' | 'behind'

/**
 * Reads CSV as RFC 4180 has it, in pieces of any length: quoted fields, line breaks within them, CRLF, LF or CR behind a
 * record. Empty lines are none. Throws UnreadableSourceError for a record that is too long to be one.
 */
export class CsvReader {
  #state: State = 'start'
  #field = ''
  #cells: (string | null)[] = []
  #fault: string | null = null
  #line = 1
  #beginsAtLine = 1
  #chars = 0
  #isBehindCarriageReturn = false

  read (text: string): CsvRecord[] {
    const records: CsvRecord[] = []
    for (let at = 0; at < text.length;) {
      if (this.#state === 'quoted') {
        const quote = text.indexOf('"', at)
        this.#take(text.slice(at, quote === -1 ? text.length : quote))
        at = quote === -1 ? text.length : quote + 1
        if (quote !== -1) {
          this.#state = 'quote'
          this.#isBehindCarriageReturn = false
        }
        continue
      }
      const end = endOfRun(text, at)
      if (end > at) {
        this.#takePlain(text.slice(at, end))
        at = end
        continue
      }
      const character = text.charAt(at++)
      if (character === '"') this.#meetQuote()
      else if (character === ',') this.#endField()
      else if (character === '\n' && this.#isBehindCarriageReturn) this.#isBehindCarriageReturn = false
      else {
        this.#endRecord(records)
        this.#isBehindCarriageReturn = character === '\r'
      }
    }
    return records
  }

  /** What the last line, which may be without its end, is worth. */
  end (): CsvRecord[] {
    const records: CsvRecord[] = []
    if (this.#state === 'quoted') this.#fault = 'a quoted field does not end'
    if (this.#state !== 'start' || this.#cells.length > 0) this.#endRecord(records)
    return records
  }

  #take (part: string): void {
    this.#chars += part.length
    if (this.#chars > rowCharsMax) {
      throw new UnreadableSourceError([{ line: this.#beginsAtLine, field: '', detail: 'the row is longer than 1 MiB: is a quote not closed?' }])
    }
    this.#field += part
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i)
      if (code === 13 || (code === 10 && !this.#isBehindCarriageReturn)) this.#line++
      this.#isBehindCarriageReturn = code === 13
    }
  }

  #takePlain (part: string): void {
    if (this.#state === 'quote' || this.#state === 'behind') {
      this.#state = 'behind'
      this.#fault ??= 'something stands between the end of a quoted field and the comma'
    } else {
      this.#state = 'plain'
    }
    this.#take(part)
  }

  #meetQuote (): void {
    this.#isBehindCarriageReturn = false
    if (this.#state === 'start') {
      this.#state = 'quoted'
    } else if (this.#state === 'quote') {
      this.#state = 'quoted'
      this.#take('"')
    } else {
      this.#fault ??= 'a quote stands within a field that does not begin with one'
      this.#take('"')
    }
  }

  #endField (): void {
    this.#isBehindCarriageReturn = false
    this.#cells.push(this.#state === 'start' ? null : this.#field)
    this.#chars++
    this.#field = ''
    this.#state = 'start'
  }

  #endRecord (records: CsvRecord[]): void {
    const isEmpty = this.#state === 'start' && this.#cells.length === 0
    this.#endField()
    if (!isEmpty) records.push({ line: this.#beginsAtLine, cells: this.#cells, fault: this.#fault })
    this.#cells = []
    this.#fault = null
    this.#chars = 0
    this.#beginsAtLine = ++this.#line
  }
}

/** Where the next comma, quote or line break is. */
function endOfRun (text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 44 || code === 34 || code === 10 || code === 13) break
  }
  return at
}
