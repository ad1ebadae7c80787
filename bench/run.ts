// npm run bench -- --help
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { openBench } from './bench.ts'
import { help, parseOptions } from './options.ts'
import { choosePeers } from './peers/index.ts'
import { type Results, type Section, tableOf } from './results.ts'
import { scenarios } from './scenarios/index.ts'
import { assertInstalled } from './stage.ts'

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(help)
  else await run(options)
} catch (err) {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`)
  process.exitCode = 1
}

async function run (options: NonNullable<ReturnType<typeof parseOptions>>): Promise<void> {
  assertInstalled('taskset', 'setpriv', 'nginx', 'wrk')
  if (!existsSync(join(import.meta.dirname, '../dist/main.js'))) execFileSync('npm', ['run', 'build'], { stdio: 'inherit' })
  const bench = await openBench(options)
  try {
    const peers = await choosePeers(bench)
    const sections: Section[] = []
    for (const name of options.scenarios) {
      bench.say(`== ${name}`)
      try {
        const made = await scenarios[name](bench, peers)
        for (const section of made) print(section)
        sections.push(...made)
      } catch (err) {
        bench.fail(name, err)
      }
    }
    if (options.jsonFile !== null) writeFileSync(options.jsonFile, `${JSON.stringify(resultsOf(options, sections), null, 2)}\n`)
  } finally {
    await bench.close()
  }
}

function resultsOf ({ rounds, seconds }: { rounds: number, seconds: number }, sections: Section[]): Results {
  return { measuredAt: new Date().toISOString(), node: process.version, processor: cpus()[0]?.model ?? '', cores: cpus().length, rounds, seconds, sections }
}

function print ({ title, rows, notes }: Section): void {
  process.stdout.write(`\n${title}\n\n${tableOf(rows)}\n\n${notes.map(note => `- ${note}\n`).join('')}\n`)
}
