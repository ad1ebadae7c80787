import { useEffect, useRef, useState } from 'preact/hooks'
import { Problem } from '../api/problem.ts'
import { Icon } from '../parts/icon.tsx'
import { Logo } from '../parts/logo.tsx'
import { Note } from '../parts/note.tsx'
import { countedOf } from '../format/number.ts'
import { spanOf } from '../format/time.ts'
import { useTitle } from '../state/use-title.ts'

/** Asks for a token of the admin API. */
export function SignIn ({ notice, onSignIn }: { readonly notice: string | null, readonly onSignIn: (token: string) => Promise<void> }) {
  useTitle('Sign in')
  const [token, setToken] = useState('')
  const [isShown, setIsShown] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [hasTried, setHasTried] = useState(false)
  const [isMissing, setIsMissing] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const trimmed = token.trim()
    if (isBusy) return
    setHasTried(true)
    setError(null)
    setIsMissing(trimmed === '')
    if (trimmed === '') {
      field.current?.focus()
      return
    }
    setIsBusy(true)
    try {
      await onSignIn(trimmed)
    } catch (err) {
      setError(err)
      setIsBusy(false)
      field.current?.focus()
    }
  }

  return (
    <main class='sign-in'>
      <form class='sign-in-card' onSubmit={submit} autocomplete='off' noValidate>
        <Logo />
        <h1>Sign in to Latchkey</h1>
        <p class='lead'>With a token of this gateway’s admin API.</p>
        {notice !== null && !hasTried && <Note tone='warning' isAlert><p>{notice}</p></Note>}
        {error !== null && <Refusal error={error} />}
        <div class='field'>
          <label for='token'>Admin token</label>
          <div class='with-button'>
            <input
              ref={field} id='token' type={(isShown ? 'text' : 'password') as 'text'} value={token} autocomplete='off' autocapitalize='off' spellcheck={false} aria-describedby={isMissing ? 'token-fault token-hint' : 'token-hint'} aria-invalid={isMissing || (error instanceof Problem && error.status === 401) ? true : undefined} onInput={event => {
                setToken(event.currentTarget.value)
                setIsMissing(false)
              }}
            />
            <button type='button' class='icon-button' aria-label='Show the token' aria-pressed={isShown} title='Show the token' onClick={() => setIsShown(!isShown)}><Icon name='eye' /></button>
          </div>
          {isMissing && <p class='fault' id='token-fault' role='alert'>Paste a token first.</p>}
          <p class='hint' id='token-hint'>Kept in this tab only, and forgotten when you close it.</p>
        </div>
        <button type='submit' class='button button-primary button-wide' aria-disabled={isBusy}>{isBusy ? 'Signing in…' : 'Sign in'}</button>
        <details class='help'>
          <summary>Where do I find a token?</summary>
          <p>It’s what the gateway was started with as <code>LATCHKEY_ADMIN_TOKEN</code>; <code>latchkey init</code> writes one into <code>.env</code>, and <code>latchkey demo</code> prints its own.</p>
          <p>For a colleague, make another with <code>latchkey tokens create --name NAME --rights read</code>, or <code>write</code>.</p>
        </details>
      </form>
    </main>
  )
}

function Refusal ({ error }: { readonly error: unknown }) {
  const problem = error instanceof Problem ? error : null
  if (problem?.status === 401) return <Note tone='bad' isAlert title='This token isn’t accepted'><p>Check that all of it was pasted, and that it wasn’t revoked.</p></Note>
  if (problem?.code === 'admin_disabled') {
    return (
      <Note tone='bad' isAlert title='The admin API is switched off'>
        <p>There is no token that would sign anybody in. Set <code>LATCHKEY_ADMIN_TOKEN</code> to 24 characters or more, for example from <code>openssl rand -hex 24</code>, and start the gateway again.</p>
        <p>Or make a token with <code>latchkey tokens create --name NAME --rights write</code>, which works at once.</p>
      </Note>
    )
  }
  if (problem?.status === 429) {
    const wait = problem.retryAfterSeconds === null ? 'a minute' : problem.retryAfterSeconds < 60 ? countedOf(problem.retryAfterSeconds, 'second') : spanOf(problem.retryAfterSeconds * 1000)
    return <Note tone='bad' isAlert title='Too many attempts'><p>Too many wrong tokens came from your address. Wait {wait}, then try again.</p></Note>
  }
  if (problem?.status === 0) return <Note tone='bad' isAlert title='The gateway can’t be reached'><p>Is it running, and are you still connected to its network?</p></Note>
  return <Note tone='bad' isAlert title='Signing in failed'><p>{error instanceof Error ? error.message : String(error)}</p></Note>
}
