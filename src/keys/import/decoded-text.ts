import { UnreadableSourceError } from './faults.ts'

/** UTF-8 in pieces, without its byte order mark. Throws UnreadableSourceError for anything else. */
export async function * decodedText (bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  const decoded = (chunk?: Uint8Array): string => {
    try {
      const text = decoder.decode(chunk, { stream: chunk !== undefined })
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) line++
      return text
    } catch {
      throw new UnreadableSourceError([{ line, field: '', detail: 'here or in a line behind, it is not UTF-8: save it as UTF-8' }])
    }
  }
  for await (const chunk of bytes) yield decoded(chunk)
  yield decoded()
}
