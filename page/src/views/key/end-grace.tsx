import type { Answer } from '../../api/client.ts'
import type { ApiKey } from '../../api/types.ts'
import { graceAdvice } from '../../format/grace-advice.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Note, ProblemNote } from '../../parts/note.tsx'
import { useToast } from '../../parts/toasts.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'
import { useNow } from '../../state/use-now.ts'
import { usageRefreshMs } from './key-usage.tsx'

/** Asks before an old secret is refused, by who used it up to now: what the view read before may be seconds old. */
export function EndGrace ({ keyId, secretId, onChanged, onClose }: {
  readonly keyId: number
  readonly secretId: number
  readonly onChanged: (answer?: Answer<ApiKey>) => void
  readonly onClose: () => void
}) {
  const { api } = useSession()
  const toast = useToast()
  const nowMs = useNow()
  const { data, error, reload } = useLoad(signal => api.key(keyId, signal), [api, keyId], { refreshMs: usageRefreshMs })
  const secret = data?.body.earlierSecrets.find(({ id }) => id === secretId)
  const advice = secret === undefined ? null : graceAdvice(secret, nowMs)
  return (
    <Confirm
      title='End the grace now?' action='End grace now' isDangerous isAllowed={advice !== null && error === null} onClose={onClose}
      onConfirm={async () => {
        await api.endGrace(keyId, secretId)
        onChanged()
        toast('The old secret is refused from now on')
      }}
    >
      <p>The secret{secret !== undefined && <> <code>{secret.prefix}…</code></>} is refused within a second. Only the new one works from then on, and this can’t be undone.</p>
      <div role='status'>
        {data === null && error === null && <Note title='Looking who uses it…'><p>A moment: what was used last is read afresh.</p></Note>}
        {advice !== null && error === null && <Note tone={advice.tone} title={advice.title}><p>{advice.text}</p></Note>}
        {data !== null && secret === undefined && <Note title='Its grace is over'><p>The secret is refused already.</p></Note>}
      </div>
      {error !== null && <ProblemNote error={error} onRetry={reload} />}
    </Confirm>
  )
}
