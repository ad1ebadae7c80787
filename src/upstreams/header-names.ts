/** Headers that belong to one connection (RFC 9110, 7.6.1), and those that frame a message: an engine writes its own. */
const connectionHeaders = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'http2-settings',
])

export function isConnectionHeader (lowerCaseName: string): boolean {
  return connectionHeaders.has(lowerCaseName)
}

/** The header names that a Connection header nominates, in lower case; null where it nominates none worth the set. */
export function nominatedHeaders (connection: string | undefined): Set<string> | null {
  if (connection === undefined) return null
  const lowerCase = connection.toLowerCase()
  if (lowerCase === 'keep-alive' || lowerCase === 'close') return null
  return new Set(lowerCase.split(',').map(name => name.trim()))
}
