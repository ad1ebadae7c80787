import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { createApi } from './api/calls.ts'
import { createClient } from './api/client.ts'
import { messageOf } from './api/problem.ts'
import type { Gateway, Token } from './api/types.ts'
import { Toasts } from './parts/toasts.tsx'
import { useLocation } from './router.ts'
import { SessionContext, type Session, storedToken } from './session.ts'
import { Clock } from './state/use-now.ts'
import { Shell } from './shell.tsx'
import { SignIn } from './views/sign-in.tsx'
import { View } from './views/view.tsx'

interface Identity {
  readonly secret: string
  readonly token: Token
  readonly gateway: Gateway
}

/** Signed in or not; the address is kept through both, so that one comes back to what one was doing. */
export function App () {
  const location = useLocation()
  const [identity, setIdentity] = useState<Identity | null>(null)
  const [isChecking, setIsChecking] = useState(storedToken.get() !== null)
  const [isReached, setIsReached] = useState(true)
  const [failures, setFailures] = useState(0)
  const [notice, setNotice] = useState<string | null>(null)

  const signOut = useCallback((notice: string | null) => {
    storedToken.clear()
    setIdentity(null)
    setNotice(notice)
  }, [])
  const signIn = useCallback(async (secret: string) => {
    const api = createApi(createClient(secret))
    // One after the other: a wrong token is one failure, of which an address has only so many.
    const token = await api.token()
    const gateway = await api.gateway()
    storedToken.set(secret)
    setNotice(null)
    setIdentity({ secret, token, gateway })
  }, [])

  useEffect(() => {
    const secret = storedToken.get()
    if (secret === null) return
    signIn(secret).catch((err: unknown) => setNotice(messageOf(err))).finally(() => setIsChecking(false))
  }, [])

  const onAnswer = (status: number, path: string): void => {
    if (status === 401) signOut('The token is no longer accepted. Sign in again to go on where you were.')
    setIsReached(status !== 0)
    // The health's own call is what asks: its failures must not lead to another.
    if (status >= 500 && path !== 'gateway') setFailures(failures => failures + 1)
  }
  const session = useMemo<Session | null>(() => identity && {
    api: createApi(createClient(identity.secret, onAnswer)),
    token: identity.token,
    canWrite: identity.token.rights === 'write',
    gateway: identity.gateway,
    signOut: () => signOut(null),
  }, [identity])

  if (isChecking) return <div class='starting' role='status'><span class='visually-hidden'>Signing in…</span></div>
  if (session === null) return <SignIn notice={notice} onSignIn={signIn} />
  return (
    <SessionContext.Provider value={session}>
      <Clock>
        <Toasts>
          <Shell path={location.path} isReached={isReached} failures={failures}><View location={location} /></Shell>
        </Toasts>
      </Clock>
    </SessionContext.Provider>
  )
}
