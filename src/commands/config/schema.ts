import { Command } from 'commander'
import { examples } from '../help.ts'

export function schemaCommand (): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration file, by which editors complete and check it.')
    .addHelpText('after', examples(
      ['latchkey config schema > gateway.schema.json', 'save it beside gateway.yaml, whose first lines name it']
    ))
    .action(async () => {
      const { configSchema } = await import('../../config/schema.generated.ts')
      process.stdout.write(`${JSON.stringify(configSchema, null, 2)}\n`)
    })
}
