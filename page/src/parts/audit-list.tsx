import type { AuditEntry } from '../api/types.ts'
import { actorWords, changesOf, isAboutKey, tokenNameOf, verbOf } from '../format/audit-words.ts'
import { Icon, type IconName } from './icon.tsx'
import { Time } from './time.tsx'

/** Who did what, when and from where, a sentence each. */
export function AuditList ({ entries, isOfOneKey = false }: { readonly entries: readonly AuditEntry[], readonly isOfOneKey?: boolean }) {
  return (
    <ol class='audit-list'>
      {entries.map(entry => <Entry key={entry.id} entry={entry} isOfOneKey={isOfOneKey} />)}
    </ol>
  )
}

function Entry ({ entry, isOfOneKey }: { readonly entry: AuditEntry, readonly isOfOneKey: boolean }) {
  const actor = actorWords(entry)
  const changes = changesOf(entry)
  return (
    <li class='audit-entry'>
      <span class='audit-icon'><Icon name={iconOf(entry.action)} /></span>
      <div class='audit-what'>
        <p><strong>{actor.name}</strong> {verbOf(entry.action)}{isAboutKey(entry.action) && <> {isOfOneKey ? 'this key' : <KeyName entry={entry} />}</>}{tokenNameOf(entry) !== null && <> “{tokenNameOf(entry)}”</>}</p>
        {changes.length > 0 && (
          <dl class='changes'>
            {changes.map(({ label, before, after }) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{before !== null && <><del>{before}</del> <span aria-hidden='true'>→</span><span class='visually-hidden'> became </span> </>}<ins>{after}</ins></dd>
              </div>
            ))}
          </dl>
        )}
        <p class='hint'><Time at={entry.at} /> · {actor.by}{entry.address !== null && <> from <code>{entry.address}</code></>}{entry.actor.kind === 'database' && entry.databaseRole !== actor.name && <> · role <code>{entry.databaseRole}</code></>}</p>
      </div>
    </li>
  )
}

function KeyName ({ entry: { action, keyId, keyName, keyPrefix } }: { readonly entry: AuditEntry }) {
  const name = keyName ?? keyPrefix ?? `key ${keyId ?? ''}`
  return keyId === null || action === 'key.deleted' ? <>{name}</> : <a href={`#/keys/${keyId}`}>{name}</a>
}

function iconOf (action: string): IconName {
  if (action.endsWith('created')) return 'plus'
  if (action.includes('rotated')) return 'rotate'
  if (action.includes('grace')) return 'clock'
  if (action.endsWith('disabled')) return 'pause'
  if (action.endsWith('enabled')) return 'check'
  if (/revoked|deleted|truncated/.test(action)) return 'close'
  return 'audit'
}
