import { Command } from 'commander'
import { keyReference } from '../arguments.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { printKey } from './api-key-view.ts'
import { withKeyManager } from './key-session.ts'

export function showCommand (): Command {
  return new Command('show')
    .description('Show one key; never the key itself, nor its hash.')
    .argument('<id|prefix>', 'the key', keyReference)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey keys show sk_live_a1B2', 'by its prefix'],
      ['latchkey keys show 17 --json', 'by its id, for a program']
    ))
    .action(show)
}

async function show (reference: string, { json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const key = await withKeyManager({}, async manager => await manager.show(reference))
  if (json) output.json(key)
  else printKey(output, key)
}
