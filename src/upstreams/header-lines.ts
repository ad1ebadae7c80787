/** Headers as text (latin1), for a head: each line with its CRLF. No part may hold a line break. */
export function headerLine (name: string, value: string): string {
  return `${name}: ${value}\r\n`
}

/** Name, value, name, value … of such text. */
export function listedHeaders (lines: string): string[] {
  const headers: string[] = []
  for (let at = 0; at < lines.length;) {
    const colon = lines.indexOf(': ', at)
    const end = lines.indexOf('\r\n', colon)
    headers.push(lines.slice(at, colon), lines.slice(colon + 2, end))
    at = end + 2
  }
  return headers
}

/** Without the blanks around it. trimEnd() would also take a Latin-1 `\xa0`. */
export function trimmedSlice (text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (from < to && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank (code: number): boolean {
  return code === space || code === tab
}

const space = 32
const tab = 9
