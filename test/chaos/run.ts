/** `npm run chaos [-- --seed N --minutes 5 --json FILE]`. Exits with 1 on a violation, with 2 on a bad command line. */
import { parseArgs } from 'node:util'
import { runChaos } from './chaos.ts'
import { faultKinds } from './faults.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '5' },
    /** Requests a second. */
    rate: { type: 'string', default: '150' },
    keys: { type: 'string', default: '1000' },
    /** Only these kinds of fault, separated by commas. */
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const kinds = values.only === undefined ? faultKinds : faultKinds.filter(kind => values.only?.split(',').includes(kind))
const numbers = { seed: Number(values.seed), minutes: Number(values.minutes), requestsPerSecond: Number(values.rate), keys: Number(values.keys) }

if (kinds.length === 0 || Object.values(numbers).some(number => !(number > 0))) {
  process.stderr.write(`seed, minutes, rate and keys are positive numbers; only names some of: ${faultKinds.join(', ')}\n`)
  process.exitCode = 2
} else {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const isClean = await runChaos({ ...numbers, kinds, jsonFile: values.json, signal: stop.signal })
  process.exitCode = isClean ? 0 : 1
}
