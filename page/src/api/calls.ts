import type { Answer, Send } from './client.ts'
import type { ApiKey, AuditEntry, Gateway, KeyChanges, NewKey, NewSecret, Page, Question, Routes, Token, Usage, UsageSummary, Verdict } from './types.ts'

export interface KeyQuery {
  readonly search?: string
  readonly status?: string
  readonly scope?: string
  readonly userId?: string
  readonly limit?: number
  readonly cursor?: string
}

export interface AuditQuery {
  readonly keyId?: number
  readonly action?: string
  readonly actor?: string
  readonly limit?: number
  readonly cursor?: string
}

export type KeyAction = 'disable' | 'enable' | 'revoke'

export type Api = ReturnType<typeof createApi>

/** The admin API, a function a call. */
export function createApi (send: Send) {
  const get = async <T>(path: string, signal?: AbortSignal, query = {}): Promise<T> => (await send<T>(path, { query, ...signal && { signal } })).body
  return {
    token: (signal?: AbortSignal) => get<Token>('token', signal),
    gateway: (signal?: AbortSignal) => get<Gateway>('gateway', signal),
    routes: (signal?: AbortSignal) => get<Routes>('routes', signal),
    keys: (query: KeyQuery, signal?: AbortSignal) => get<Page<ApiKey>>('keys', signal, query),
    audit: (query: AuditQuery, signal?: AbortSignal) => get<Page<AuditEntry>>('audit', signal, query),
    summary: (query: { readonly from: string, readonly to: string, readonly limit?: number }, signal?: AbortSignal) => get<UsageSummary>('usage/summary', signal, query),
    keyUsage: (id: number, query: { readonly from: string, readonly to: string, readonly bucket: string }, signal?: AbortSignal) => get<Usage>(`keys/${id}/usage`, signal, query),

    /** With its ETag, for a change that mustn't overwrite somebody else's. */
    key: (id: number, signal?: AbortSignal): Promise<Answer<ApiKey>> => send<ApiKey>(`keys/${id}`, signal && { signal }),
    createKey: async (body: NewKey, idempotencyKey: string): Promise<NewSecret> =>
      (await send<NewSecret>('keys', { method: 'POST', body, headers: { 'idempotency-key': idempotencyKey } })).body,
    changeKey: (id: number, body: KeyChanges, etag: string | null): Promise<Answer<ApiKey>> =>
      send<ApiKey>(`keys/${id}`, { method: 'PATCH', body, headers: etag === null ? {} : { 'if-match': etag } }),
    deleteKey: async (id: number): Promise<void> => { await send(`keys/${id}`, { method: 'DELETE' }) },
    act: async (id: number, action: KeyAction): Promise<ApiKey> => (await send<ApiKey>(`keys/${id}/${action}`, { method: 'POST' })).body,
    rotate: async (id: number, gracePeriod: string, idempotencyKey: string): Promise<NewSecret> =>
      (await send<NewSecret>(`keys/${id}/rotate`, { method: 'POST', body: { gracePeriod }, headers: { 'idempotency-key': idempotencyKey } })).body,
    endGrace: async (id: number, earlierSecretId: number): Promise<ApiKey> =>
      (await send<ApiKey>(`keys/${id}/end-grace`, { method: 'POST', body: { earlierSecretId } })).body,
    explain: async (question: Question): Promise<Verdict> => (await send<Verdict>('explain', { method: 'POST', body: question })).body,
  }
}
