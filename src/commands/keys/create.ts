import { Command, Option } from 'commander'
import { collectScopes, futureTime, keyName, lifetime, plainText, userReference } from '../arguments.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withKeyManager } from './key-session.ts'

interface CreateOptions {
  readonly user: string
  readonly name: string
  readonly scope: readonly string[]
  readonly description?: string
  readonly environment?: string
  readonly expiresIn?: number
  readonly expiresAt?: Date
  readonly config?: string
  readonly json?: boolean
}

export function createCommand (): Command {
  return new Command('create')
    .description('Make a key and print it, this once: only its hash is stored.')
    .requiredOption('--user <uuid|email>', 'whose key it is', userReference)
    .requiredOption('--name <name>', 'what it is for', keyName)
    .requiredOption('--scope <scope>', 'what it may do; once for each scope', collectScopes)
    .option('--description <text>', 'more about it', plainText)
    .option('--environment <name>', 'one of the environments of the configuration (default: the first)')
    .addOption(new Option('--expires-in <duration>', 'how long it lasts: 30m, 12h, 90d (default: for ever)').argParser(lifetime).conflicts('expiresAt'))
    .addOption(new Option('--expires-at <time>', 'until when it lasts, in ISO 8601').argParser(futureTime))
    .option('--config <file>', 'the configuration with the brand and the environments (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object: {"key", "apiKey"}')
    .addHelpText('after', examples(
      ['latchkey keys create --user ada@example.com --name Reporting --scope inventory:read --scope "tickets:*"', 'a key with two scopes'],
      ['latchkey keys create --user 5f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b11 --name CI --scope "*" --expires-in 90d', 'a key that lasts 90 days'],
      ['KEY=$(latchkey keys create --user ada@example.com --name Shell --scope inventory:read)', 'the key alone is on standard output']
    ))
    .action(create)
}

async function create (options: CreateOptions): Promise<void> {
  const output = new Output()
  const { key, apiKey } = await withKeyManager({ configFile: options.config, needsConfig: true }, async manager => await manager.create({
    user: options.user,
    name: options.name,
    scopes: options.scope,
    description: options.description,
    environment: options.environment,
    expiresAt: options.expiresIn === undefined ? options.expiresAt : new Date(Date.now() + options.expiresIn),
  }))
  if (options.json === true) return output.json({ key, apiKey })
  const expiry = apiKey.expiresAt === null ? 'never expires' : `expires on ${apiKey.expiresAt.toISOString()}`
  complain(`Made key ${apiKey.id} (${apiKey.name}) with ${apiKey.scopes.join(' ')}; it ${expiry}. Here it is, and it will not be shown again:`)
  output.line(key)
}
