import { useState } from 'preact/hooks'
import type { Answer } from '../../api/client.ts'
import type { KeyAction } from '../../api/calls.ts'
import { messageOf } from '../../api/problem.ts'
import type { ApiKey } from '../../api/types.ts'
import { nameOf } from '../../format/key-fields.ts'
import { Card } from '../../parts/card.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { useToast } from '../../parts/toasts.tsx'
import { navigate } from '../../router.ts'
import { useSession } from '../../session.ts'

/** The ways in which a key stops to work, from the mildest to the one that leaves nothing. */
export function Ending ({ apiKey, onChanged }: { readonly apiKey: ApiKey, readonly onChanged: (answer?: Answer<ApiKey>) => void }) {
  const { api } = useSession()
  const toast = useToast()
  const [asked, setAsked] = useState<'disable' | 'revoke' | 'delete' | null>(null)
  const { id, prefix, status } = apiKey
  const name = nameOf(apiKey)
  const act = async (action: KeyAction, done: string): Promise<void> => {
    await api.act(id, action)
    onChanged()
    toast(done)
  }
  const close = (): void => setAsked(null)
  return (
    <Card title='Switch off' tone='danger'>
      <ul class='endings'>
        {status === 'disabled' && (
          <li>
            <div><h3>Enable</h3><p class='hint'>The key works again, in every gateway within a second.</p></div>
            <button type='button' class='button' onClick={() => act('enable', `${name} works again`).catch(err => toast(messageOf(err), 'bad'))}>Enable</button>
          </li>
        )}
        {(status === 'active' || status === 'expired') && (
          <li>
            <div><h3>Disable</h3><p class='hint'>Refused with <code>key_disabled</code> until it is enabled again.</p></div>
            <button type='button' class='button' onClick={() => setAsked('disable')}>Disable</button>
          </li>
        )}
        {status !== 'revoked' && (
          <li>
            <div><h3>Revoke</h3><p class='hint'>For good: it can’t be enabled again. Its usage and history stay.</p></div>
            <button type='button' class='button button-danger-quiet' onClick={() => setAsked('revoke')}>Revoke</button>
          </li>
        )}
        <li>
          <div><h3>Delete</h3><p class='hint'>Removes the key and its usage rows. Revoking is nearly always better.</p></div>
          <button type='button' class='button button-danger-quiet' onClick={() => setAsked('delete')}>Delete</button>
        </li>
      </ul>
      {asked === 'disable' && (
        <Confirm title={`Disable ${name}?`} action='Disable key' onConfirm={() => act('disable', `${name} is disabled`)} onClose={close}>
          <p>Every program that uses it is refused within a second, until you enable it again.</p>
        </Confirm>
      )}
      {asked === 'revoke' && (
        <Confirm title={`Revoke ${name}?`} action='Revoke key' isDangerous phrases={phrasesOf(name, prefix)} onConfirm={() => act('revoke', `${name} is revoked`)} onClose={close}>
          <p>Every program that uses it is refused within a second, and its open streams are closed. <strong>This can’t be undone.</strong></p>
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title={`Delete ${name}?`} action='Delete key' isDangerous phrases={phrasesOf(name, prefix)} onClose={close}
          onConfirm={async () => {
            await api.deleteKey(id)
            toast(`${name} is deleted`)
            navigate('/keys')
          }}
        >
          <p>The key is refused within a second, and <strong>its usage rows go too</strong>: reports will no longer count what it did. The audit log keeps its name. <strong>This can’t be undone.</strong></p>
        </Confirm>
      )}
    </Card>
  )
}

function phrasesOf (name: string, prefix: string): readonly string[] {
  return [...new Set([name.trim(), prefix])].filter(phrase => phrase !== '')
}
