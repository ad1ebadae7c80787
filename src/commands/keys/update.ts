import { Command, Option } from 'commander'
import { UsageError } from '../../errors.ts'
import type { KeyChanges } from '../../keys/manager.ts'
import { collectScopes, futureTime, keyName, keyReference, lifetime, plainText } from '../arguments.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { printKey } from './api-key-view.ts'
import { withKeyManager } from './key-session.ts'

interface UpdateOptions {
  readonly name?: string
  readonly description?: string
  readonly scope?: readonly string[]
  /** False: --no-scopes. */
  readonly scopes: boolean
  readonly expiresIn?: number
  readonly expiresAt?: Date
  readonly neverExpires?: boolean
  readonly json?: boolean
}

export function updateCommand (): Command {
  return new Command('update')
    .description('Change what a key is called, what it may do and how long. Its secret stays.')
    .argument('<id|prefix>', 'the key', keyReference)
    .option('--name <name>', 'a new name', keyName)
    .option('--description <text>', "a new description; '' removes it", plainText)
    .option('--scope <scope>', 'its scopes from now on, in place of all that it has; once for each', collectScopes)
    .addOption(new Option('--no-scopes', 'take all its scopes from it').conflicts('scope'))
    .addOption(new Option('--expires-in <duration>', 'how long it lasts from now: 30m, 12h, 90d').argParser(lifetime).conflicts(['expiresAt', 'neverExpires']))
    .addOption(new Option('--expires-at <time>', 'until when it lasts, in ISO 8601').argParser(futureTime).conflicts('neverExpires'))
    .option('--never-expires', 'let it last for ever')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey keys update sk_live_a1B2 --scope inventory:read --scope tickets:read', 'give it these two scopes and no other'],
      ['latchkey keys update 17 --expires-in 30d', 'let it end in 30 days']
    ))
    .action(update)
}

async function update (reference: string, { json = false, ...options }: UpdateOptions): Promise<void> {
  const changes: KeyChanges = {
    name: options.name,
    description: options.description === '' ? null : options.description,
    scopes: options.scopes ? options.scope : [],
    expiresAt: expiryOf(options),
  }
  if (Object.values(changes).every(change => change === undefined)) {
    throw new UsageError('Nothing to change. Give --name, --description, --scope, --no-scopes, --expires-in, --expires-at or --never-expires.')
  }
  const output = new Output()
  const key = await withKeyManager({}, async manager => await manager.update((await manager.show(reference)).id, changes))
  if (json) output.json(key)
  else printKey(output, key)
}

function expiryOf ({ expiresIn, expiresAt, neverExpires = false }: UpdateOptions): Date | null | undefined {
  if (neverExpires) return null
  return expiresIn === undefined ? expiresAt : new Date(Date.now() + expiresIn)
}
