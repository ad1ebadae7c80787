import { useEffect, useState } from 'preact/hooks'
import type { NewSecret as Secret } from '../../api/types.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { NewSecret } from '../../parts/new-secret.tsx'
import { Note, ProblemNote } from '../../parts/note.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { ViewHead } from '../../parts/view-head.tsx'
import { useLeaveGuard } from '../../router.ts'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'
import { CreateForm } from './create-form.tsx'

const back = { href: '#/keys', label: 'Keys' }

/** The form, and once it is sent what came of it: the secret, which leaving loses. */
export function CreateKey () {
  const { api, canWrite } = useSession()
  const { data: routes, error, reload } = useLoad(signal => api.routes(signal), [api])
  const [created, setCreated] = useState<Secret | null>(null)
  const [isCopied, setIsCopied] = useState(false)
  const [wanted, setWanted] = useState<string | null>(null)
  const leave = useLeaveGuard(created !== null && !isCopied, setWanted)
  useEffect(() => {
    if (created !== null) document.querySelector('h1')?.focus()
  }, [created])

  if (!canWrite) {
    return (
      <>
        <ViewHead title='Create key' back={back} />
        <Note title='This token may only read'><p>Creating keys needs a token with the right to write.</p></Note>
      </>
    )
  }
  if (created === null) {
    return (
      <>
        <ViewHead title='Create key' back={back} lead='For one program or one customer: a key that is shared can’t be told apart later.' />
        {error !== null && <ProblemNote error={error} onRetry={reload} />}
        {routes === null ? error === null && <Skeleton rows={6} label='Loading the scopes' /> : <CreateForm routes={routes} onCreated={setCreated} />}
      </>
    )
  }
  return (
    <>
      <ViewHead title={`${created.apiKey.name} is ready`} back={back} />
      <div class='card narrow'>
        <NewSecret secret={created} routes={routes} onCopied={() => setIsCopied(true)} />
        <div class='form-foot'>
          <button type='button' class='button button-primary' onClick={() => leave(`#/keys/${created.apiKey.id}`)}>I’ve stored it: go to the key</button>
        </div>
      </div>
      {wanted !== null && (
        <Confirm title='Leave without the key?' action='Leave it behind' isDangerous onConfirm={async () => leave(wanted)} onClose={() => setWanted(null)}>
          <p>You haven’t copied it, and it can’t be shown again. A lost one can only be replaced, by rotating the key.</p>
        </Confirm>
      )}
    </>
  )
}
