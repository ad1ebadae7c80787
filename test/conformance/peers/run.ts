// The conformance cases against Latchkey, nginx, haproxy and a bare @fastify/http-proxy, one after the other, each with
// the same clients and the same upstream. Writes docs/conformance.md.
// npm run conformance -- [--only NAME] [--verbose]
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { answers } from '../cases/answers-all.ts'
import { requests } from '../cases/requests.ts'
import { judge, type Verdict } from '../judge.ts'
import { brisk, frontEnded, observe, patient } from '../observe.ts'
import { RawUpstream } from '../upstream.ts'
import { missingPackages, type StartedFront, starters } from './fronts.ts'
import { type Column, conformancePage } from './page.ts'

const groups = [...requests, ...answers]
const { values: options } = parseArgs({ options: { only: { type: 'string' }, verbose: { type: 'boolean' } } })
const missing = missingPackages()
if (missing.length > 0) {
  console.error(`The peers are missing. On Debian: apt-get install ${missing.join(' ')}`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'latchkey-conformance-'))
try {
  const columns: Column[] = []
  for (const start of starters.filter(({ name }) => options.only === undefined || name === options.only)) {
    const upstream = await RawUpstream.start()
    try {
      columns.push(await judgeAll(() => start(folder, upstream.port), upstream))
    } finally {
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

async function judgeAll (start: () => Promise<StartedFront>, upstream: RawUpstream): Promise<Column> {
  const verdicts: Verdict[] = []
  const startedAt = performance.now()
  let front = await start()
  let crashes = 0
  const { name, version } = front
  try {
    for (const it of groups.flatMap(({ cases }) => cases)) {
      if (!await isListening(front)) front = await startAnew(front)
      const observed = await observe(front, upstream, it, name === 'Latchkey' ? patient : brisk)
      const verdict = judge(it, observed)
      verdicts.push(verdict)
      if (options.verbose === true && verdict.violations.length > 0) console.log(`${name}: ${it.name}`, verdict, observed)
      if (observed.sentinel === frontEnded) front = await startAnew(front)
    }
  } finally {
    await front.close()
  }
  const faulty = verdicts.filter(({ violations }) => violations.length > 0).length
  if (crashes > 0) console.log(`${name}: the process ended ${crashes} times`)
  console.log(`${name} ${version}: ${verdicts.length} cases, ${faulty} with a violation, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  return { name, version, verdicts, crashes }

  async function startAnew (ended: StartedFront): Promise<StartedFront> {
    crashes++
    await ended.close()
    return await start()
  }
}

async function isListening ({ url }: StartedFront): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  return await once(socket, 'connect').then(() => true, () => false).finally(() => socket.destroy())
}
