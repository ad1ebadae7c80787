import { Command } from 'commander'
import type { ApiKey } from '../../keys/manager.ts'
import type { KeyManager } from '../../keys/manager.ts'
import { keyReference } from '../arguments.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { nameOf } from './api-key-view.ts'
import { withKeyManager } from './key-session.ts'

/** The three commands that change a key's state, and nothing else of it. */
export function disableCommand (): Command {
  return stateCommand('disable', 'Refuse a key from now on, until it is enabled again.')
    .addHelpText('after', examples(['latchkey keys disable sk_live_a1B2', 'stop it for a while']))
    .action(changeState(async (manager, id) => await manager.disable(id), key => `Disabled ${nameOf(key)}. Gateways refuse it from now on; \`latchkey keys enable\` lets it in again.`))
}

export function enableCommand (): Command {
  return stateCommand('enable', 'Let a disabled key in again. A revoked key stays revoked.')
    .addHelpText('after', examples(['latchkey keys enable sk_live_a1B2', 'let it in again']))
    .action(changeState(async (manager, id) => await manager.enable(id), key => key.status === 'expired'
      ? `Enabled ${nameOf(key)}, but it has expired: give it a later end with \`latchkey keys update\`.`
      : `Enabled ${nameOf(key)}.`))
}

export function revokeCommand (): Command {
  return stateCommand('revoke', 'End a key for good. It is not asked for again, and cannot be undone.')
    .addHelpText('after', examples(
      ['latchkey keys revoke sk_live_a1B2', 'by its prefix'],
      ['latchkey keys revoke 17 --json', 'by its id, for a program']
    ))
    .action(changeState(async (manager, id) => await manager.revoke(id), key => `Revoked ${nameOf(key)} for good${key.revokedAt === null ? '' : `, as of ${key.revokedAt.toISOString()}`}. Gateways refuse it from now on.`))
}

function stateCommand (name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<id|prefix>', 'the key', keyReference)
    .option('--json', 'print one JSON object')
}

function changeState (change: (manager: KeyManager, id: number) => Promise<ApiKey>, sentence: (key: ApiKey) => string) {
  return async (reference: string, { json = false }: { json?: boolean }): Promise<void> => {
    const output = new Output()
    const key = await withKeyManager({}, async manager => await change(manager, (await manager.show(reference)).id))
    if (json) output.json(key)
    else output.line(sentence(key))
  }
}
