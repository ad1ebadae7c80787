import { useState } from 'preact/hooks'
import type { Answer } from '../../api/client.ts'
import type { ApiKey } from '../../api/types.ts'
import { graceAdvice } from '../../format/grace-advice.ts'
import { momentOf } from '../../format/time.ts'
import { Card } from '../../parts/card.tsx'
import { Note } from '../../parts/note.tsx'
import { Time } from '../../parts/time.tsx'
import { useSession } from '../../session.ts'
import { useNow } from '../../state/use-now.ts'
import { EndGrace } from './end-grace.tsx'

/** While replaced secrets still work: until when, who still uses them, and whether they can be ended before that. */
export function RotationPanel ({ apiKey, onChanged }: { readonly apiKey: ApiKey, readonly onChanged: (answer?: Answer<ApiKey>) => void }) {
  const { canWrite } = useSession()
  const nowMs = useNow()
  const [asked, setAsked] = useState<number | null>(null)
  const secrets = apiKey.earlierSecrets.filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs)
  if (secrets.length === 0 || apiKey.status === 'revoked' || apiKey.status === 'expired') return null
  const isOne = secrets.length === 1
  const [title, note] = apiKey.status === 'disabled'
    ? [isOne ? 'The old secret is in its grace' : `${secrets.length} old secrets are in their grace`, 'While the key is disabled no secret works; enabled again, both the new and the old would']
    : [isOne ? 'The old secret still works' : `${secrets.length} old secrets still work`, `Besides the new one, until ${isOne ? 'its' : 'their'} grace ends`]
  return (
    <Card title={title} tone='warning' note={note}>
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
              {canWrite && <button type='button' class='button' onClick={() => setAsked(secret.id)}>End grace now</button>}
            </li>
          )
        })}
      </ul>
      {asked !== null && <EndGrace keyId={apiKey.id} secretId={asked} onChanged={onChanged} onClose={() => setAsked(null)} />}
    </Card>
  )
}
