/** A reader of CSV as RFC 4180 writes it, one character after the other; strict, so that whatever is written otherwise fails. */
export function readCsv (text: string, separator = ','): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let field = ''
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) throw new Error('a quoted field without its end')
        if (text[at] === '"' && text[at + 1] === '"') at++
        else if (text[at] === '"') break
        field += text[at]
      }
      at++
    } else {
      for (; at < text.length && text[at] !== separator && text[at] !== '\r'; at++) {
        if (text[at] === '"' || text[at] === '\n') throw new Error(`${JSON.stringify(text[at])} in a field without quotes`)
        field += text[at]
      }
    }
    row.push(field)
    if (text[at] === separator) {
      at++
    } else if (text.startsWith('\r\n', at)) {
      at += 2
      rows.push(row)
      row = []
    } else {
      throw new Error(`${JSON.stringify(text.slice(at, at + 5))} behind a field`)
    }
  }
  if (row.length > 0) throw new Error('a last line without its end')
  return rows
}
