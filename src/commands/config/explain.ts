import { Command, Option } from 'commander'
import type { Config } from '../../config/config.ts'
import type { ApiKey } from '../../keys/manager.ts'
import type { Verdict } from '../../routes/explain.ts'
import { httpMethod, keyReference, requestPath, scopeList } from '../arguments.ts'
import { readEnvironment } from '../environment.ts'
import { examples } from '../help.ts'
import { withKeyManager } from '../keys/key-session.ts'
import { Output } from '../output.ts'
import { printVerdict } from './verdict-view.ts'

interface ExplainOptions {
  readonly method: string
  readonly path: string
  readonly host?: string
  readonly scopes?: readonly string[]
  readonly keyPrefix?: string
  readonly config?: string
  readonly json?: boolean
}

export function explainCommand (): Command {
  return new Command('explain')
    .description('Say what the gateway would do to a request, and why. Nothing is sent; the database is asked only with --key-prefix.')
    .requiredOption('--path <path>', 'the path as a client sends it', requestPath)
    .option('--method <method>', 'the method', httpMethod, 'GET')
    .option('--host <host>', 'the Host header')
    .addOption(new Option('--scopes <scopes>', 'the scopes of a valid key, with commas between; without this and --key-prefix the request carries no key').argParser(scopeList).conflicts('keyPrefix'))
    .option('--key-prefix <id|prefix>', 'take scopes and state of this key from the database', keyReference)
    .option('--config <file>', 'the configuration file (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey config explain --method GET --path /inventory/42', 'a request without a key'],
      ['latchkey config explain --method POST --path /inventory/42 --scopes inventory:read', 'with a valid key that holds this scope'],
      ['latchkey config explain --path /inventory/42 --key-prefix sk_live_a1B2 --json', 'with a key of the database']
    ))
    .action(explainRequest)
}

async function explainRequest ({ json = false, ...options }: ExplainOptions): Promise<void> {
  const { loadConfig } = await import('../../config/load.ts')
  const environment = readEnvironment()
  const file = options.config ?? environment.configFile
  const config = loadConfig(file, environment)
  const key = options.keyPrefix === undefined ? null : await findKey(options.keyPrefix, file)
  const verdict = await verdictOn(options, config, key)
  const output = new Output()
  if (json) output.json({ ...verdict, key })
  else printVerdict(output, options, verdict, key)
}

async function verdictOn ({ method, path, host, scopes }: Omit<ExplainOptions, 'json'>, config: Config, key: ApiKey | null): Promise<Verdict> {
  const [{ explain }, { judgeKeyState }, { RouteTable }] = await Promise.all([import('../../routes/explain.ts'), import('../../routes/key-state-verdict.ts'), import('../../routes/route-table.ts')])
  const verdict = explain(new RouteTable(config.routes), { method, host, path, scopes: key?.scopes ?? scopes ?? null })
  return key === null ? verdict : judgeKeyState(verdict, key, config.keys.environments)
}

async function findKey (reference: string, configFile: string): Promise<ApiKey> {
  return await withKeyManager({ configFile }, async manager => await manager.show(reference))
}
