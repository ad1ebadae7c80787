// A load generator, as a process of its own: node generator-process.ts JOB, a Job as JSON. Prints an Outcome, at SIGTERM
// of what it has done by then.
// wrk has no fixed rate, and times a request from when it could send it: while a gateway hangs it asks nothing, and so
// measures nothing. Here a request is timed from when it was due.
import { readFileSync } from 'node:fs'
import { Generator } from './generator.ts'
import type { Job } from './job.ts'

const job = JSON.parse(process.argv[2] ?? '') as Job
const keys = readFileSync(job.keysFile, 'utf8').trim().split('\n')
const generator = new Generator(job, keys)
process.once('SIGTERM', () => generator.stop())
process.stdout.write(`${JSON.stringify(await generator.run())}\n`)
