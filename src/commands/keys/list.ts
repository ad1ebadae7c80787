import { Command, Option } from 'commander'
import { oneScope, keyReference, userReference, wholeNumber } from '../arguments.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import type { ApiKeyStatus } from '../../keys/manager.ts'
import { Output } from '../output.ts'
import { printKeys } from './api-key-view.ts'
import { withKeyManager } from './key-session.ts'

interface ListOptions {
  readonly user?: string
  readonly prefix?: string
  readonly scope?: string
  readonly status?: ApiKeyStatus
  readonly limit: number
  readonly cursor?: number
  readonly json?: boolean
}

const idMost = 2_147_483_647

export function listCommand (): Command {
  return new Command('list')
    .description('List keys, a page at a time; never a hash.')
    .option('--user <uuid|email>', 'of this user only', userReference)
    .option('--prefix <prefix>', 'with this prefix only', keyReference)
    .option('--scope <scope>', 'that were given this scope', oneScope)
    .addOption(new Option('--status <status>', 'in this state only').choices(['active', 'disabled', 'revoked', 'expired']))
    .option('--limit <number>', 'keys a page', wholeNumber(1, 500), 50)
    .option('--cursor <cursor>', 'go on where the last page ended', wholeNumber(0, idMost))
    .option('--json', 'print one JSON object: {"data", "nextCursor"}')
    .addHelpText('after', examples(
      ['latchkey keys list', 'the first page'],
      ['latchkey keys list --user ada@example.com --status active', "one user's keys in force"],
      ['latchkey keys list --json | jq -r ".data[].prefix"', 'hand it to a program']
    ))
    .action(list)
}

async function list ({ user, prefix, scope, status, limit, cursor, json = false }: ListOptions): Promise<void> {
  const output = new Output()
  const { data, nextAfterId } = await withKeyManager({}, async manager => await manager.list({ user, prefix, scope, status, limit, afterId: cursor }))
  const nextCursor = nextAfterId === null ? null : String(nextAfterId)
  if (json) return output.json({ data, nextCursor })
  printKeys(output, data)
  // Not on standard output: whoever counts or cuts columns there gets keys only.
  if (data.length === 0) complain('No key matches.')
  if (nextCursor !== null) complain(`There are more: add --cursor ${nextCursor}`)
}
