import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { UsageError } from '../errors.ts'
import { examples } from './help.ts'
import { gatewayYaml } from './init/gateway-yaml.ts'
import { writeNewFile } from './init/new-file.ts'
import { Output } from './output.ts'

const configFile = 'gateway.yaml'
const environmentFile = '.env'

/** `latchkey init`: a configuration and fresh secrets in the working folder; what is there already stays. */
export function initCommand (): Command {
  return new Command('init')
    .description(`Write a commented ${configFile} and a ${environmentFile} with fresh secrets into this folder. Never overwrites: a file that exists is left alone; when both do, it exits with 2.`)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(
      ['latchkey init', 'begin'],
      ['latchkey init && latchkey config check && latchkey start', 'begin, and start the gateway on its embedded database']
    ))
    .action(init)
}

async function init ({ json = false }: { json?: boolean }): Promise<void> {
  const output = new Output()
  const files = [
    { name: configFile, isNew: await writeNewFile(configFile, gatewayYaml, 0o644) },
    { name: environmentFile, isNew: await writeNewFile(environmentFile, environmentText(), 0o600) },
  ]
  const written = files.filter(file => file.isNew).map(file => file.name)
  const kept = files.filter(file => !file.isNew).map(file => file.name)
  if (written.length === 0) throw new UsageError(`${configFile} and ${environmentFile} exist already; nothing was written. Move them away to begin anew.`)
  if (json) return output.json({ written, kept })
  for (const name of written) output.line(`${output.colour('green', 'written')}  ${name}${name === environmentFile ? ' (secrets; readable by you alone)' : ''}`)
  for (const name of kept) output.line(`${output.colour('yellow', 'kept')}     ${name} (it existed already and was not touched)`)
  for (const step of await nextSteps()) output.line(step)
}

function environmentText (): string {
  return `# Secrets of this installation: never commit this file. Variables of the real environment win over it.
LATCHKEY_CONFIG=${configFile}

# Left out: an embedded Postgres in the data folder (.latchkey). Otherwise Postgres 14 to 18, or Supabase:
# DATABASE_URL=postgres://user:password@127.0.0.1:5432/name
# Where DATABASE_URL goes through a transaction pooler, a session connection for LISTEN and migrations:
# DATABASE_DIRECT_URL=

# The bearer token of the admin API.
LATCHKEY_ADMIN_TOKEN=${randomBytes(32).toString('base64url')}

# Makes keys findable by digest. To rotate it, put the new one first: new,old. Losing it costs time, not keys.
LATCHKEY_KEY_PEPPER=${randomBytes(32).toString('hex')}
`
}

async function nextSteps (): Promise<string[]> {
  const ignored = (await textOf('.gitignore')).split(/\r?\n/).map(line => line.trim())
  const namesConfig = /^\s*(export\s+)?LATCHKEY_CONFIG\s*=/m.test(await textOf(environmentFile))
  return [
    '',
    'Next:',
    '  1. Put your service and its routes into gateway.yaml, then: latchkey config check',
    ...(namesConfig ? [] : [`     Your ${environmentFile} does not name it: add LATCHKEY_CONFIG=${configFile} there.`]),
    '  2. latchkey start',
    '  3. latchkey keys create --user you@example.com --name "First key" --scope api:read',
    `     or on the admin page, http://127.0.0.1:8081, with LATCHKEY_ADMIN_TOKEN of ${environmentFile}`,
    ...(ignored.includes(environmentFile) ? [] : ['', `Keep the secrets out of git: add ${environmentFile} and .latchkey/ to .gitignore.`]),
  ]
}

async function textOf (path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}
