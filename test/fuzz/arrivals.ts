import type { StrictRequest } from './strict-request.ts'

export interface KeyOwner {
  readonly key: string
  readonly keyId: string
  readonly userId: string
  readonly scopes: string
}

const hopByHop = ['keep-alive', 'te', 'trailer', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'expect', 'http2-settings']

/** Whose key let the request through: says so for one that is all that an upstream is promised, else throws an Error. */
export function ownerOf ({ target, lines }: StrictRequest, owners: ReadonlyMap<string, KeyOwner>): KeyOwner {
  const one = oneOf(lines)
  const owner = owners.get(one('x-latchkey-key-id'))
  if (owner === undefined) throw new Error('a key id that no valid key has')
  if (one('x-latchkey-user-id') !== owner.userId || one('x-latchkey-scopes') !== owner.scopes) throw new Error('the identity of another')
  if (lines.some(([name]) => cgi(name).startsWith('x-latchkey-') && !['x-latchkey-key-id', 'x-latchkey-user-id', 'x-latchkey-scopes'].includes(name))) throw new Error('an identity header of the client')
  if (lines.some(([name, value]) => cgi(name) === 'authorization' && value.includes(owner.key))) throw new Error('the key itself in Authorization')
  if (/^\/public\/[^/?]*(?:\?|$)/.test(target)) throw new Error('a public path at the protected upstream')
  checkTransport(lines)
  return owner
}

/** Throws an Error where a request on the public route says more than that it came through. */
export function checkPublic ({ target, lines }: StrictRequest): void {
  if (!/^\/public\/[^/?]*(?:\?.*)?$/.test(target)) throw new Error('a protected path at the public upstream')
  if (lines.some(([name]) => cgi(name).startsWith('x-latchkey-'))) throw new Error('somebody is vouched for')
  checkTransport(lines)
}

function checkTransport (lines: StrictRequest['lines']): void {
  const one = oneOf(lines)
  one('host')
  if (one('x-forwarded-for') !== '127.0.0.1' || one('x-forwarded-proto') !== 'http') throw new Error('a transport header of the client')
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(one('x-request-id'))) throw new Error('a request id that is none')
  if (!/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(one('traceparent'))) throw new Error('a traceparent that is none')
  for (const [name] of lines) {
    const known = cgi(name)
    if (hopByHop.includes(known) || known === 'x-api-key' || known === 'forwarded' || known === 'x-real-ip') throw new Error(`${name} reaches the upstream`)
    if (known.startsWith('x-forwarded-') && !['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'].includes(name)) throw new Error(`${name} reaches the upstream`)
    if ((known === 'content-length' || known === 'transfer-encoding') && known !== name) throw new Error(`${name} reaches the upstream`)
  }
}

function oneOf (lines: StrictRequest['lines']): (name: string) => string {
  return name => {
    const found = lines.filter(([line]) => cgi(line) === name)
    if (found.length !== 1) throw new Error(`${found.length} times ${name}`)
    return found[0]![1]
  }
}

function cgi (name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}
