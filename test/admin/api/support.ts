import type { Test } from 'tap'
import { TokenManager } from '../../../src/tokens/manager.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../../support/gateway.ts'
import { send } from '../../support/http.ts'
import { undocumentedIn } from './document.ts'

export const adminToken = 'the-token-of-these-tests-alone'

export const config = `
upstreams: { u: { targets: ["http://127.0.0.1:9"] } }
routes:
  - { id: read-inventory, path: '/inventory/*', methods: [GET, HEAD], upstream: u, scopes: [inventory:read] }
  - { id: status, path: /status, upstream: u, auth: none }
`

export interface CallOptions {
  /** Null: none. Left out: the environment's, which may do all. */
  readonly token?: string | null
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly text?: string
  readonly headers?: Record<string, string>
}

export interface ApiAnswer<T = any> {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  /** What the JSON says; undefined where it is none. */
  readonly body: T
  readonly code: string | undefined
  readonly eTag: string
}

export interface Api {
  readonly gateway: TestGateway
  readonly url: string
  /** Every answer must be as docs/openapi.json has it, or the test fails. */
  call<T = any> (method: string, path: string, options?: CallOptions): Promise<ApiAnswer<T>>
  /** A new key, through the API. */
  create (fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<{ key: string, apiKey: ApiKeyJson, eTag: string }>
  /** Lines that were logged at level error or above. */
  errorsLogged (): string[]
}

export interface ApiKeyJson {
  readonly id: number
  readonly userId: string
  readonly prefix: string
  readonly name: string
  readonly description: string | null
  readonly scopes: string[]
  readonly environment: string | null
  readonly status: 'active' | 'disabled' | 'revoked' | 'expired'
  readonly metadata: Record<string, unknown>
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly createdAt: string | null
  readonly revokedAt: string | null
  readonly earlierSecrets: { id: number, prefix: string, rotatedAt: string, expiresAt: string, lastUsedAt: string | null, lastUserAgent: string | null }[]
}

/** A gateway with its admin API open to `adminToken`. */
export async function startApi (t: Test, options: Partial<GatewayOptions> = {}): Promise<Api> {
  const gateway = await startGateway(t, { config, ...options, environment: { adminToken, ...options.environment } })
  const url = gateway.adminUrl
  const call = async <T>(method: string, path: string, { token = adminToken, body, text, headers = {} }: CallOptions = {}): Promise<ApiAnswer<T>> => {
    const isJson = body !== undefined
    const answer = await send(url + path, {
      method,
      headers: { ...token === null ? {} : { authorization: `Bearer ${token}` }, ...isJson ? { 'content-type': 'application/json' } : {}, ...headers },
      ...isJson ? { body: JSON.stringify(body) } : text === undefined ? {} : { body: text },
    })
    const undocumented = undocumentedIn(method, path, answer)
    if (undocumented.length > 0) t.fail(`${method} ${path} answered what is not documented`, { undocumented, text: answer.text.slice(0, 1_000) })
    const json = /^application\/(problem\+)?json$/.test(String(answer.headers['content-type']).split(';', 1)[0]!) && answer.text !== '' ? JSON.parse(answer.text) : undefined
    return { ...answer, body: json, eTag: String(answer.headers['etag']) }
  }
  return {
    gateway,
    url,
    call,
    async create (fields = {}, headers = {}) {
      const { status, body, eTag, text } = await call<{ key: string, apiKey: ApiKeyJson }>('POST', '/v1/keys', { body: { userId: 'ada@example.com', name: 'test', scopes: ['inventory:read'], ...fields }, headers })
      if (status !== 201) throw new Error(`No key was made: ${text}`)
      return { ...body, eTag }
    },
    errorsLogged: () => gateway.logs.filter(line => (JSON.parse(line) as { level: number }).level >= 50),
  }
}

/** A new named token. */
export async function tokenOf ({ gateway: { database } }: Api, rights: 'read' | 'write', name: string = rights): Promise<string> {
  return (await new TokenManager({ pool: database.pool }).create({ name, rights })).token
}

/** Every key that a listing gives, page after page. */
export async function listAll (api: Api, query: Record<string, string | number> = {}, onPage: () => Promise<void> = async () => {}): Promise<ApiKeyJson[]> {
  const found: ApiKeyJson[] = []
  let cursor: string | null = null
  for (let pages = 0; ; pages++) {
    const search: URLSearchParams = new URLSearchParams(cursor === null ? {} : { cursor })
    for (const [name, value] of Object.entries(query)) search.set(name, String(value))
    const { status, body, text }: ApiAnswer<{ data: ApiKeyJson[], nextCursor: string | null }> = await api.call('GET', `/v1/keys?${search}`)
    if (status !== 200) throw new Error(`Not listed: ${text}`)
    found.push(...body.data)
    cursor = body.nextCursor
    if (cursor === null) return found
    if (pages > 10_000) throw new Error('pages without end')
    await onPage()
  }
}
