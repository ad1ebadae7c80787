/** Headers that mean something to HTTP, to the gateway or to the upstream already; in any spelling of - and _. */
const TAKEN = new Set([
  'authorization', 'cookie', 'set-cookie', 'host', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding',
  'upgrade', 'expect', 'date', 'range', 'origin', 'referer', 'user-agent', 'via', 'forwarded', 'x-real-ip',
  'x-request-id', 'traceparent', 'tracestate', 'www-authenticate', 'cache-control', 'pragma', 'http2-settings',
])
const TAKEN_PREFIXES = ['x-latchkey-', 'x-forwarded-', 'proxy-', 'content-', 'accept', 'if-', 'sec-', 'access-control-']

/** Whether a header can carry keys and nothing else. */
export function isKeyHeader (name: string): boolean {
  const spelling = name.toLowerCase().replaceAll('_', '-')
  return !TAKEN.has(spelling) && !TAKEN_PREFIXES.some((prefix) => spelling.startsWith(prefix))
}
