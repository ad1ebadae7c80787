import { Command } from 'commander'
import { CheckFailedError } from '../fault.ts'
import { examples } from '../help.ts'
import { Output } from '../output.ts'
import { withMigrations } from './migration-session.ts'

export function migrateVerifyCommand (): Command {
  return new Command('verify')
    .description('Run the verification queries of the migrations, with a verdict each. Exits with 1 when one fails.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey migrate verify', 'see each verdict'],
      ['latchkey migrate verify --json | jq .ok', 'use it in a script']
    ))
    .action(verify)
}

async function verify ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const { verifySchema } = await import('../../database/verify.ts')
  const checks = await withMigrations(async ({ directUrl }) => await verifySchema(directUrl))
  const failed = checks.filter(check => !check.ok).length
  if (json) {
    output.json({ ok: failed === 0, checks })
  } else {
    for (const { name, ok, detail } of checks) output.line(`${ok ? output.colour('green', 'ok  ') : output.colour('red', 'fail')}  ${name}${detail === '' ? '' : `: ${detail}`}`)
    output.line()
    output.line(failed === 0 ? `All ${checks.length} checks passed.` : `${failed} of ${checks.length} checks failed. Run: latchkey migrate status`)
  }
  if (failed > 0) throw new CheckFailedError('The schema is not as it should be.')
}
