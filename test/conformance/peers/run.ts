// The conformance cases against Latchkey, nginx, haproxy and a bare @fastify/http-proxy, one after the other, each with
// the same clients and the same upstream. Writes docs/conformance.md.
// npm run conformance -- [--only NAME] [--verbose]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { answers } from '../cases/answers-all.ts'
import { requests } from '../cases/requests.ts'
import { judge, type Verdict } from '../judge.ts'
import { brisk, observe, patient } from '../observe.ts'
import { RawUpstream } from '../upstream.ts'
import { missingPackages, type StartedFront, starters } from './fronts.ts'
import { conformancePage } from './page.ts'

const groups = [...requests, ...answers]
const { values: options } = parseArgs({ options: { only: { type: 'string' }, verbose: { type: 'boolean' } } })
const missing = missingPackages()
if (missing.length > 0) {
  console.error(`The peers are missing. On Debian: apt-get install ${missing.join(' ')}`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'latchkey-conformance-'))
try {
  const columns: { name: string, version: string, verdicts: Verdict[] }[] = []
  for (const start of starters.filter(({ name }) => options.only === undefined || name === options.only)) {
    const upstream = await RawUpstream.start()
    const front = await start(folder, upstream.port)
    try {
      columns.push({ name: front.name, version: front.version, verdicts: await judgeAll(front, upstream) })
    } finally {
      await front.close()
      await upstream.close()
    }
  }
  if (options.only === undefined) {
    const file = join(import.meta.dirname, '../../../docs/conformance.md')
    writeFileSync(file, conformancePage(groups, columns))
    console.log('written: docs/conformance.md')
    const faults = columns[0]!.verdicts.filter(({ violations, deviations }) => violations.length + deviations.length > 0)
    if (faults.length > 0) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function judgeAll (front: StartedFront, upstream: RawUpstream): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  const startedAt = performance.now()
  for (const it of groups.flatMap(({ cases }) => cases)) {
    const observed = await observe(front, upstream, it, front.name === 'Latchkey' ? patient : brisk)
    const verdict = judge(it, observed)
    verdicts.push(verdict)
    if (options.verbose === true && verdict.violations.length > 0) console.log(`${front.name}: ${it.name}`, verdict, observed)
  }
  const faulty = verdicts.filter(({ violations }) => violations.length > 0).length
  console.log(`${front.name} ${front.version}: ${verdicts.length} cases, ${faulty} with a violation, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  return verdicts
}
