import { Problem, problemOf } from './problem.ts'

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answer<T> {
  readonly body: T
  readonly etag: string | null
}

export type Send = <T>(path: string, call?: Call) => Promise<Answer<T>>

/**
 * Calls to the admin API with one token. Rejects with Problem, or with AbortError when `signal` aborts.
 * `onAnswer` hears of every call's status beside the caller; 0 is a gateway that can't be reached.
 */
export function createClient (token: string, onAnswer: (status: number, path: string) => void = () => {}): Send {
  return async <T>(path: string, { method = 'GET', query = {}, body, headers = {}, signal }: Call = {}) => {
    const response = await reach(`v1/${path}${queryString(query)}`, () => onAnswer(0, path), {
      method,
      headers: { authorization: `Bearer ${token}`, ...body === undefined ? {} : { 'content-type': 'application/json' }, ...headers },
      // Never an answer of before the change that was just made.
      cache: 'no-store',
      credentials: 'omit',
      ...body === undefined ? {} : { body: JSON.stringify(body) },
      ...signal === undefined ? {} : { signal },
    })
    onAnswer(response.status, path)
    if (!response.ok) throw await problemOf(response)
    return { body: (response.status === 204 ? undefined : await response.json()) as T, etag: response.headers.get('etag') }
  }
}

async function reach (url: string, onUnreachable: () => void, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (err) {
    if (init.signal?.aborted) throw err
    onUnreachable()
    throw new Problem({ status: 0, code: 'unreachable', detail: 'The gateway can’t be reached. Is it running, and are you still connected to its network?' })
  }
}

function queryString (query: NonNullable<Call['query']>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  if (given.length === 0) return ''
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`
}
