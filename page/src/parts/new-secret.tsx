import { useEffect } from 'preact/hooks'
import type { NewSecret as Secret, Routes } from '../api/types.ts'
import { curlLine } from '../format/curl.ts'
import { useSession } from '../session.ts'
import { CopyButton } from './copy.tsx'
import { Note } from './note.tsx'
import { ShellLine } from './shell-line.tsx'

/** The one time that a secret is shown: to copy, and to try. */
export function NewSecret ({ secret: { key, apiKey }, routes, onCopied }: { readonly secret: Secret, readonly routes: Routes | null, readonly onCopied: () => void }) {
  const { gateway } = useSession()
  useEffect(() => {
    // By hand, too: selected, and Ctrl+C.
    const onCopy = (): void => { if (getSelection()?.toString().includes(key)) onCopied() }
    document.addEventListener('copy', onCopy)
    return () => document.removeEventListener('copy', onCopy)
  }, [key])
  const line = routes === null ? null : curlLine(gateway, routes.data, apiKey.scopes, key)
  return (
    <div class='new-secret'>
      <Note tone='warning' title='Copy it now: it is shown this once'>
        <p>Latchkey keeps only a hash of it. Put it where its program reads secrets, not into code or a chat.</p>
      </Note>
      <div class='secret'>
        <p class='secret-label'>API key</p>
        <div class='secret-row'>
          <code class='secret-key'>{key}</code>
          <CopyButton text={key} label='Copy the key' onCopied={onCopied} />
        </div>
      </div>
      {line !== null && (
        <div class='secret'>
          <p class='secret-label'>Try it</p>
          <ShellLine line={line} label='Copy the curl line' />
        </div>
      )}
      {line === null && routes !== null && <p class='hint'>Its scopes open no route that is in force, so there is no line to try it with.</p>}
    </div>
  )
}
