import { Command, Option } from 'commander'
import { UsageError } from '../../errors.ts'
import type { ImportFault, ImportResult, RowSource } from '../../keys/import/importer.ts'
import { complain } from '../fault.ts'
import { examples } from '../help.ts'
import { counted, Output } from '../output.ts'
import { type ImportFile, openImportFile } from './import-file.ts'
import { withKeyManager } from './key-session.ts'

type Format = 'csv' | 'ndjson'

interface ImportOptions {
  readonly format?: Format
  readonly skipFaulty?: boolean
  readonly dryRun?: boolean
  readonly config?: string
  readonly json?: boolean
}

export function importCommand (): Command {
  return new Command('import')
    .description('Import keys of which another system has the bcrypt hashes: all of a file, or nothing. Their owners go on with the keys that they have.')
    .argument('<file>', 'CSV with a header, or one JSON object a line; - reads standard input')
    .addOption(new Option('--format <format>', 'what it is (default: as its name ends)').choices(['csv', 'ndjson']))
    .option('--skip-faulty', 'import the rows without faults, and name the others')
    .option('--dry-run', 'check everything, and change nothing')
    .option('--config <file>', 'the configuration with the brand and the environments (default: LATCHKEY_CONFIG, or config/gateway.yaml)')
    .option('--json', 'print one JSON object: {"imported", "skipped", "dryRun", "faults", "moreFaults", "warnings"}')
    .addHelpText('after', `
Columns: userId (UUID or email), name, scopes (a:read b:write), keyHash ($2a$, $2b$ or $2y$, cost 4 to 12), keyPrefix (the
beginning of the key, at most 20 characters); at will description, environment, expiresAt, isActive, createdAt,
lastUsedAt, revokedAt, metadata (JSON). What \`\\copy api_keys to keys.csv csv header\` writes is read as it is.
` + examples(
        ['latchkey keys import keys.csv --dry-run', 'see what is wrong with a file'],
        ['latchkey keys import keys.csv', 'import it'],
        ['latchkey keys import - --format ndjson --skip-faulty < keys.ndjson', 'import what can be imported']
      ))
    .action(importFile)
}

async function importFile (path: string, { format = formatOf(path), json = false, ...options }: ImportOptions): Promise<void> {
  const output = new Output()
  const file = await openImportFile(path)
  const { importKeys, RowsRefusedError } = await import('../../keys/import/importer.ts')
  try {
    const result = await withKeyManager({ configFile: options.config, needsConfig: true }, async (_manager, session) =>
      await importKeys(session, await sourceOf(file, format), options))
    printFaults(file.name, result)
    if (json) output.json(result)
    else printResult(output, result)
  } catch (err) {
    if (err instanceof RowsRefusedError) {
      const { faults, moreFaults, warnings } = err
      printFaults(file.name, err)
      if (json) output.json({ imported: 0, skipped: err.rows, dryRun: options.dryRun === true, faults, moreFaults, warnings })
    }
    throw err
  } finally {
    await file.close()
  }
}

async function sourceOf ({ bytes }: ImportFile, format: Format): Promise<RowSource> {
  const { decodedText } = await import('../../keys/import/decoded-text.ts')
  if (format === 'csv') return (await import('../../keys/import/csv-rows.ts')).csvRows(decodedText(bytes))
  return (await import('../../keys/import/ndjson-rows.ts')).ndjsonRows(decodedText(bytes))
}

function formatOf (path: string): Format {
  if (/\.csv$/i.test(path)) return 'csv'
  if (/\.(ndjson|jsonl)$/i.test(path)) return 'ndjson'
  throw new UsageError('Say what the file is: --format csv or --format ndjson.')
}

function printFaults (name: string, { faults, moreFaults }: { readonly faults: readonly ImportFault[], readonly moreFaults: number }): void {
  for (const { line, field, detail } of faults) complain(`${name}:${line}: ${field === '' ? '' : `${field}: `}${detail}`)
  if (moreFaults > 0) complain(`and ${counted(moreFaults, 'more fault')}.`)
}

function printResult (output: Output, { imported, skipped, dryRun, warnings }: ImportResult): void {
  for (const warning of warnings) complain(`warning: ${warning}.`)
  const skippedText = skipped === 0 ? '' : ` and ${dryRun ? 'skip' : 'skipped'} ${counted(skipped, 'row')} with faults`
  output.line(dryRun ? `Would import ${counted(imported, 'key')}${skippedText}. Nothing was changed.` : `Imported ${counted(imported, 'key')}${skippedText}.`)
}
