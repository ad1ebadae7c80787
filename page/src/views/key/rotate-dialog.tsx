import { useState } from 'preact/hooks'
import type { ApiKey, NewSecret as Secret, Routes } from '../../api/types.ts'
import { nameOf } from '../../format/key-fields.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { NewSecret } from '../../parts/new-secret.tsx'
import { Note } from '../../parts/note.tsx'
import { useLeaveGuard } from '../../router.ts'
import { GraceForm } from './grace-form.tsx'

/** Asks how long the old secret goes on working; then shows the new one, which closing loses. */
export function RotateDialog ({ apiKey, routes, onChanged, onClose }: {
  readonly apiKey: ApiKey
  readonly routes: Routes | null
  readonly onChanged: () => void
  readonly onClose: () => void
}) {
  const [rotated, setRotated] = useState<Secret | null>(null)
  const [isCopied, setIsCopied] = useState(false)
  const [isLeaving, setIsLeaving] = useState(false)
  const isAtRisk = rotated !== null && !isCopied
  useLeaveGuard(isAtRisk, () => setIsLeaving(true))
  const close = (): void => {
    if (isAtRisk && !isLeaving) setIsLeaving(true)
    else onClose()
  }

  if (rotated === null) {
    return (
      <Dialog title={`Rotate ${nameOf(apiKey)}`} onClose={close}>
        <GraceForm
          apiKey={apiKey} onClose={onClose} onRotated={secret => {
            setRotated(secret)
            onChanged()
          }}
        />
      </Dialog>
    )
  }
  return (
    <Dialog title='The new secret' onClose={close} isWide>
      <div class='dialog-body'>
        <NewSecret secret={rotated} routes={routes} onCopied={() => setIsCopied(true)} />
        {isLeaving && isAtRisk && <Note tone='bad' isAlert title='You haven’t copied it'><p>It can’t be shown again. Close once more to leave it behind; you would have to rotate anew.</p></Note>}
      </div>
      <div class='dialog-foot'>
        <button type='button' class='button button-primary' onClick={onClose}>I’ve stored it</button>
      </div>
    </Dialog>
  )
}
