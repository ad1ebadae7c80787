import type { ExportPage } from './pages.ts'
import type { TextFormat } from './text-format.ts'

export interface ExportText {
  readonly text: string
  readonly rows: number
  /** As of the page: once the text has arrived, all up to here has. */
  readonly cursor: number
}

/** Puts pages into a format, one text a page, and asks for the next page only when it is itself asked for the next text. */
export async function * exportTexts (pages: AsyncIterable<ExportPage>, { lineOf }: TextFormat): AsyncGenerator<ExportText> {
  for await (const { rows, cursor } of pages) {
    yield { text: rows.map(row => lineOf(row)).join(''), rows: rows.length, cursor }
  }
}
