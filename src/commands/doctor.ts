import { Command } from 'commander'
import type { Finding } from './doctor/finding.ts'
import { readEnvironment } from './environment.ts'
import { CheckFailedError } from './fault.ts'
import { examples } from './help.ts'
import { Output } from './output.ts'

/** `latchkey doctor`: looks at everything that the gateway depends on, and says what to mend. */
export function doctorCommand (): Command {
  return new Command('doctor')
    .description('Check Node, secrets, configuration, database, keys, upstreams and ports, and say what to mend. Exits with 1 when something fails.')
    .option('--config <file>', 'the configuration file (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object: {"ok", "findings"}')
    .addHelpText('after', examples(
      ['latchkey doctor', 'see each finding'],
      ['latchkey doctor --json | jq ".findings[] | select(.status != \\"ok\\")"', 'what is wrong, for a program']
    ))
    .action(doctor)
}

async function doctor ({ config, json = false }: { config?: string, json?: boolean }): Promise<void> {
  const environment = readEnvironment()
  const { examine } = await import('./doctor/examination.ts')
  const findings = await examine(environment, config ?? environment.configFile)
  const failed = findings.filter(({ status }) => status === 'fail').length
  const output = new Output()
  if (json) output.json({ ok: failed === 0, findings })
  else printFindings(output, findings, failed)
  if (failed > 0) throw new CheckFailedError('Something is wrong.')
}

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<Finding['status'], string>

function printFindings (output: Output, findings: readonly Finding[], failed: number): void {
  for (const { check, status, detail, remedy } of findings) {
    const [first = '', ...more] = detail.split('\n')
    output.line(`${output.colour(colours[status], status.padEnd(4))}  ${output.colour('bold', check)}: ${first}`)
    for (const line of more) output.line(`      ${line}`)
    if (remedy !== null) output.line(`      -> ${remedy}`)
  }
  const warned = findings.filter(({ status }) => status === 'warn').length
  output.line()
  output.line(failed === 0 && warned === 0 ? 'All is well.' : `${failed} failed, ${warned} to look at.`)
}
