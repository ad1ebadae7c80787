import { useState } from 'preact/hooks'
import type { Answer } from '../../api/client.ts'
import type { ApiKey, EarlierSecret } from '../../api/types.ts'
import { graceAdvice } from '../../format/grace-advice.ts'
import { momentOf } from '../../format/time.ts'
import { Card } from '../../parts/card.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Note } from '../../parts/note.tsx'
import { Time } from '../../parts/time.tsx'
import { useToast } from '../../parts/toasts.tsx'
import { useSession } from '../../session.ts'
import { useNow } from '../../state/use-now.ts'

/** While replaced secrets still work: until when, who still uses them, and whether they can be ended before that. */
export function RotationPanel ({ apiKey, onChanged }: { readonly apiKey: ApiKey, readonly onChanged: (answer?: Answer<ApiKey>) => void }) {
  const { api, canWrite } = useSession()
  const toast = useToast()
  const nowMs = Math.max(useNow(), Date.now())
  const [asked, setAsked] = useState<EarlierSecret | null>(null)
  const secrets = apiKey.earlierSecrets.filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs)
  if (secrets.length === 0) return null
  return (
    <Card title={secrets.length === 1 ? 'The old secret still works' : `${secrets.length} old secrets still work`} tone='warning' note={`Besides the new one, until ${secrets.length === 1 ? 'its' : 'their'} grace ends`}>
      <ul class='secrets'>
        {secrets.map(secret => {
          const advice = graceAdvice(secret, nowMs)
          return (
            <li key={secret.id}>
              <div class='secret-facts'>
                <p><code>{secret.prefix}…</code> works until <strong>{momentOf(secret.expiresAt)}</strong> <span class='muted'>(<Time at={secret.expiresAt} />)</span></p>
                <p class='hint'>Replaced <Time at={secret.rotatedAt} />. {secret.lastUsedAt === null ? 'Not used since.' : <>Last used <Time at={secret.lastUsedAt} />{secret.lastUserAgent !== null && <> by <code class='breakable'>{secret.lastUserAgent}</code></>}.</>}</p>
                <Note tone={advice.tone} title={advice.title}><p>{advice.text}</p></Note>
              </div>
              {canWrite && <button type='button' class='button' onClick={() => setAsked(secret)}>End grace now</button>}
            </li>
          )
        })}
      </ul>
      {asked !== null && (
        <Confirm
          title='End the grace now?' action='End grace now' isDangerous onClose={() => setAsked(null)}
          onConfirm={async () => {
            await api.endGrace(apiKey.id, asked.id)
            onChanged()
            toast('The old secret is refused from now on')
          }}
        >
          <p>The secret <code>{asked.prefix}…</code> is refused within a second. Only the new one works from then on, and this can’t be undone.</p>
          <Note tone={graceAdvice(asked, nowMs).tone} title={graceAdvice(asked, nowMs).title}><p>{graceAdvice(asked, nowMs).text}</p></Note>
        </Confirm>
      )}
    </Card>
  )
}
