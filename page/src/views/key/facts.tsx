import type { ApiKey } from '../../api/types.ts'
import { exactTime } from '../../format/time.ts'
import { Card } from '../../parts/card.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { Time } from '../../parts/time.tsx'

export function Facts ({ apiKey }: { readonly apiKey: ApiKey }) {
  const { id, userId, userEmail, description, environment, createdAt, expiresAt, revokedAt, lastUsedAt, metadata } = apiKey
  return (
    <Card title='Facts'>
      <dl class='facts'>
        {description !== null && <div><dt>Description</dt><dd>{description}</dd></div>}
        <div><dt>Last used</dt><dd><Time at={lastUsedAt} /></dd></div>
        <div><dt>Expires</dt><dd><Time at={expiresAt} />{expiresAt !== null && <span class='hint'> · {exactTime(expiresAt)}</span>}</dd></div>
        {revokedAt !== null && <div><dt>Revoked</dt><dd><Time at={revokedAt} /></dd></div>}
        <div><dt>Created</dt><dd><Time at={createdAt} none='Unknown' /></dd></div>
        {environment !== null && <div><dt>Environment</dt><dd>{environment}</dd></div>}
        {userEmail !== null && <div><dt>User</dt><dd class='breakable'>{userEmail}</dd></div>}
        <div><dt>{userEmail === null ? 'User' : 'User id'}</dt><dd class='prefix'><code class='breakable'>{userId}</code><CopyButton text={userId} label='Copy the user id' isQuiet /></dd></div>
        <div><dt>Key id</dt><dd><code>{id}</code></dd></div>
      </dl>
      {Object.keys(metadata).length > 0 && (
        <>
          <h3 class='facts-title'>Metadata</h3>
          <dl class='facts'>
            {Object.entries(metadata).map(([name, value]) => <div key={name}><dt class='breakable'>{name}</dt><dd class='breakable'>{typeof value === 'string' ? value : <code>{JSON.stringify(value)}</code>}</dd></div>)}
          </dl>
        </>
      )}
    </Card>
  )
}
