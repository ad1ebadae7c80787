#!/usr/bin/env node
import { Command } from 'commander'
import { useCompileCache } from './commands/compile-cache.ts'
import { configCommand } from './commands/config.ts'
import { doctorCommand } from './commands/doctor.ts'
import { reportFault } from './commands/fault.ts'
import { examples } from './commands/help.ts'
import { initCommand } from './commands/init.ts'
import { keysCommand } from './commands/keys.ts'
import { migrateCommand } from './commands/migrate.ts'
import { redact } from './commands/redact.ts'
import { tokensCommand } from './commands/tokens.ts'
import { usageCommand } from './commands/usage.ts'
import { isDebugging } from './config/dotenv.ts'
import { productVersion } from './config/version.ts'

const program = new Command('latchkey')
  .description('An API gateway that checks keys kept in your own Postgres, maps routes to scopes, forwards requests and records usage.')
  .version(productVersion(), '-v, --version', 'print the version')
  .addHelpText('after', examples(
    ['latchkey demo', 'see it work: database, sample upstream, a key and the gateway'],
    ['latchkey init && latchkey start', 'begin with a configuration of your own'],
    ['latchkey keys create --user ada@example.com --name "Reporting" --scope inventory:read', 'make a key'],
    ['latchkey doctor', 'find out what is wrong']
  ) + '\n\nExit codes: 0 done, 1 failed while running, 2 bad command line or configuration.')

useCompileCache()
const commands = [initCommand(), migrateCommand(), keysCommand(), tokensCommand(), configCommand(), usageCommand(), doctorCommand()]
for (const command of [...await serverCommands(), ...commands]) program.addCommand(command)
applyHouseRules(program)

// A reader that left early (`latchkey keys list | head`) is no fault of the command, which goes on to close what it holds.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code !== 'EPIPE' && err.code !== 'ERR_STREAM_DESTROYED') throw err
  })
}

try {
  await program.parseAsync()
} catch (err) {
  // Set, not exited with: what is still on its way to a pipe arrives.
  process.exitCode = await reportFault(err, isDebugging())
}

/** Those that bring the whole server along, which takes longest to load: nobody who typed another command waits for it. */
async function serverCommands (): Promise<Command[]> {
  if (commands.some(command => command.name() === process.argv[2])) return []
  const [{ startCommand }, { demoCommand }] = await Promise.all([import('./commands/start.ts'), import('./commands/demo.ts')])
  return [startCommand(), demoCommand()]
}

/** What addCommand(), unlike command(), doesn't hand down: faults are thrown, and point to the help of their own command. */
function applyHouseRules (command: Command, path = command.name()): void {
  command
    .exitOverride()
    .showHelpAfterError(`(${path} --help says more.)`)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      writeErr: text => { process.stderr.write(redact(text)) },
    })
  if (command.commands.length > 0) command.helpCommand('help [command]', 'show the help of a command')
  for (const child of command.commands) applyHouseRules(child, `${path} ${child.name()}`)
}
