import { Command } from 'commander'
import { ConfigError } from '../../config/config-error.ts'
import type { Config } from '../../config/config.ts'
import { readEnvironment } from '../environment.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'

export function checkCommand (): Command {
  return new Command('check')
    .description('Check a configuration file. Every fault is listed at once, with line and column; then it exits with 2.')
    .argument('[file]', 'the file (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object: {"ok", "file", "faults"}')
    .addHelpText('after', examples(
      ['latchkey config check', 'check the file that `latchkey start` would take'],
      ['latchkey config check staging.yaml --json | jq .faults', 'another one, for a program']
    ))
    .action(check)
}

async function check (argument: string | undefined, { json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const environment = readEnvironment()
  const { loadConfig } = await import('../../config/load.ts')
  const file = argument ?? environment.configFile
  try {
    const config = loadConfig(file, environment)
    if (json) output.json({ ok: true, file, faults: [] })
    else printSummary(output, file, config)
  } catch (err) {
    if (json && err instanceof ConfigError) output.json({ ok: false, file, faults: err.faults })
    throw err
  }
}

function printSummary (output: Output, file: string, { gateway, admin, routes, upstreams }: Config): void {
  output.line(`${output.colour('green', 'ok')}  ${file}`)
  output.line()
  output.pairs([
    ['gateway', `${gateway.host}:${gateway.port}`],
    ['admin', `${admin.host}:${admin.port}`],
    ['upstreams', upstreams.map(({ name, targets }) => `${name} (${targets.join(', ')})`).join('; ')],
  ])
  output.line()
  output.table(
    ['ROUTE', 'METHODS', 'HOST', 'PATH', 'AUTH', 'SCOPES', 'UPSTREAM'],
    routes.map(({ id, methods, host, path, auth, scopes, upstream }) => [id, methods?.join(',') ?? 'all', host ?? 'any', path, auth, scopesText(scopes), upstream])
  )
}

function scopesText ({ allOf, anyOf }: { allOf: readonly string[], anyOf: readonly string[] }): string {
  const parts = [...allOf.length > 0 ? [allOf.join(' + ')] : [], ...anyOf.length > 0 ? [`one of ${anyOf.join(', ')}`] : []]
  return parts.join(' + ') || '-'
}
