/** Scopes in one text: `a:read b:write`, or as Postgres writes an array, `{a:read,"b:write"}`. A NULL in it is no scope. */
export function parseScopes (text: string): readonly string[] {
  if (!text.startsWith('{')) return text.split(/\s+/).filter((scope) => scope !== '')
  if (!/^\{(?:(?:"(?:[^"\\]|\\.)*"|[^",{}\\]+)(?:,(?!\}$)|(?=\}$)))*\}$/s.test(text)) return [text]
  const elements = text.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|[^",]+/gs) ?? []
  return elements.filter((element) => element !== 'NULL').map((element) => element.startsWith('"') ? element.slice(1, -1).replace(/\\(.)/gs, '$1') : element)
}
