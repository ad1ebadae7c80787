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
