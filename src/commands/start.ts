import { Command } from 'commander'
import type { Environment } from '../config/environment.ts'
import { type ConfigOverrides, loadConfig } from '../config/load.ts'
import { productVersion } from '../config/version.ts'
import { readEnvironment } from './environment.ts'
import { examples } from './help.ts'
import { LogOutput } from './log-output.ts'
import { serve } from './serve.ts'

interface StartOptions {
  readonly config?: string
  readonly migrate?: boolean
}

/** `latchkey start`: the gateway, until a signal ends it. */
export function startCommand (): Command {
  return new Command('start')
    .description('Run the gateway. Without DATABASE_URL it brings its own Postgres, under LATCHKEY_DATA_DIR.')
    .option('--config <file>', 'the configuration (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--migrate', 'run pending migrations on the database in DATABASE_URL first')
    .addHelpText('after', examples(
      ['latchkey start', 'with config/gateway.yaml and the embedded database'],
      ['DATABASE_URL=postgres://… latchkey start --config gateway.yaml --migrate', 'with a database of yours']
    ))
    .action(start)
}

async function start (options: StartOptions): Promise<void> {
  const environment = readEnvironment()
  const configFile = options.config ?? environment.configFile
  const configOverrides = overridesOf(environment)
  const config = loadConfig(configFile, configOverrides)
  const output = new LogOutput(environment.logLevel, { isShared: config.gateway.workers !== 1 })
  try {
    await serve({ config, configFile, configOverrides, environment, logger: output.logger, version: productVersion(), migrates: options.migrate === true }, async () => {})
  } finally {
    await output.close()
  }
}

function overridesOf ({ host, port, adminHost, adminPort }: Environment): ConfigOverrides {
  return { host, port, adminHost, adminPort }
}
