import { Command } from 'commander'
import type { ApiKey } from '../../keys/manager.ts'
import { gracePeriod, keyReference } from '../arguments.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import { counted, Output } from '../output.ts'
import { nameOf } from './api-key-view.ts'
import { withKeyManager } from './key-session.ts'

interface RotateOptions {
  readonly grace: number
  readonly config?: string
  readonly json?: boolean
}

const dayMs = 86_400_000

export function rotateCommand (): Command {
  return new Command('rotate')
    .description('Give a key a new secret and print it, this once. Its id, scopes and history stay; the old secret works for a while.')
    .argument('<id|prefix>', 'the key', keyReference)
    .option('--grace <duration>', 'how long the old secret still works, at most until the key expires; 0s: no longer, nor any earlier one (default: 24h)', gracePeriod, dayMs)
    .option('--config <file>', 'the configuration with the brand and the environments (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object: {"key", "apiKey"}')
    .addHelpText('after', examples(
      ['latchkey keys rotate sk_live_a1B2 --grace 7d', 'a new secret; a week to hand it out'],
      ['latchkey keys rotate 17 --grace 0s', 'the old secret has leaked: end it at once'],
      ['latchkey keys show 17', 'see whether the old secret is still used'],
      ['KEY=$(latchkey keys rotate 17)', 'the new key alone is on standard output']
    ))
    .action(rotate)
}

export function endGraceCommand (): Command {
  return new Command('end-grace')
    .description("End a key's earlier secrets now; its latest one goes on.")
    .argument('<id|prefix>', 'the key', keyReference)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(['latchkey keys end-grace sk_live_a1B2', 'refuse what a rotation has replaced']))
    .action(endGrace)
}

async function rotate (reference: string, { grace, config, json = false }: RotateOptions): Promise<void> {
  const output = new Output()
  const { key, apiKey } = await withKeyManager({ configFile: config, needsConfig: true }, async manager =>
    await manager.rotate((await manager.show(reference)).id, { gracePeriodMs: grace }))
  if (json) return output.json({ key, apiKey })
  complain(`Key ${apiKey.id} (${apiKey.name}) has a new secret; ${graceText(apiKey)}. Here it is, and it will not be shown again:`)
  output.line(key)
}

async function endGrace (reference: string, { json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const { ended, key } = await withKeyManager({}, async manager => {
    const { id, earlierSecrets } = await manager.show(reference)
    return { ended: earlierSecrets.length, key: await manager.endGrace(id) }
  })
  if (json) return output.json(key)
  output.line(ended === 0
    ? `No earlier secret of ${nameOf(key)} works any more.`
    : `Ended ${counted(ended, 'earlier secret')} of ${nameOf(key)}. Gateways refuse ${ended === 1 ? 'it' : 'them'} from now on.`)
}

function graceText ({ earlierSecrets: [latest, ...others] }: ApiKey): string {
  if (latest === undefined) return 'the old one works no longer'
  const more = others.length === 0 ? '' : `, and ${counted(others.length, 'earlier one')} for a while`
  return `the old one, ${latest.prefix}, works until ${latest.expiresAt.toISOString()}${more}`
}
