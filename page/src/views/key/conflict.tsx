import type { ApiKey } from '../../api/types.ts'
import { valueText } from '../../format/audit-words.ts'
import { fieldLabels, fieldsOf, isSame, type KeyFields } from '../../format/key-fields.ts'
import { Note, ProblemNote } from '../../parts/note.tsx'

/** Two people changed one key: what was, what is there now, what one was about to make of it. */
export function Conflict ({ opened, current, mine, isBusy, error, onTakeMine, onTakeTheirs }: {
  readonly opened: ApiKey
  readonly current: ApiKey
  readonly mine: KeyFields
  readonly isBusy: boolean
  readonly error: unknown
  readonly onTakeMine: () => void
  readonly onTakeTheirs: () => void
}) {
  const was = fieldsOf(opened)
  const is = fieldsOf(current)
  const names = (Object.keys(fieldLabels) as (keyof KeyFields)[]).filter(name => !isSame(was[name], is[name]) || !isSame(was[name], mine[name]))
  return (
    <>
      <div class='dialog-body'>
        <Note tone='warning' title='Somebody else changed this key while you were editing'>
          <p>Nothing of yours is saved yet. Saving yours overwrites only the fields that you changed.</p>
        </Note>
        {names.length === 0 && opened.status !== current.status && <p>It was {opened.status} and is {current.status} now.</p>}
        <ul class='conflicts'>
          {names.map(name => {
            const isClash = !isSame(was[name], is[name]) && !isSame(was[name], mine[name]) && !isSame(is[name], mine[name])
            return (
              <li key={name}>
                <h3>{fieldLabels[name]}{isClash && <span class='tag tag-bad'>Both changed it</span>}</h3>
                <dl class='facts'>
                  <div><dt>When you began</dt><dd class='breakable'>{valueText(was[name])}</dd></div>
                  <div><dt>Now</dt><dd class='breakable'>{isSame(was[name], is[name]) ? <span class='muted'>unchanged</span> : valueText(is[name])}</dd></div>
                  <div><dt>Yours</dt><dd class='breakable'>{isSame(was[name], mine[name]) ? <span class='muted'>unchanged</span> : valueText(mine[name])}</dd></div>
                </dl>
              </li>
            )
          })}
        </ul>
        {error !== null && <ProblemNote error={error} />}
      </div>
      <div class='dialog-foot'>
        <button type='button' class='button' onClick={onTakeTheirs}>Drop mine, go on from theirs</button>
        <button type='button' class='button button-primary' aria-disabled={isBusy} onClick={onTakeMine}>Save mine</button>
      </div>
    </>
  )
}
