import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Api } from './api/calls.ts'
import type { Gateway, Token } from './api/types.ts'

/** What every view gets once somebody is signed in. */
export interface Session {
  readonly api: Api
  readonly token: Token
  /** Whether the token may change anything. */
  readonly canWrite: boolean
  readonly gateway: Gateway
  signOut (): void
}

export const SessionContext = createContext<Session | null>(null)

export function useSession (): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('no session')
  return session
}

const storageKey = 'latchkey.token'

/** The token is kept in this tab alone, and no longer than it. */
export const storedToken = {
  get: (): string | null => sessionStorage.getItem(storageKey),
  set: (token: string): void => sessionStorage.setItem(storageKey, token),
  clear: (): void => sessionStorage.removeItem(storageKey),
}
