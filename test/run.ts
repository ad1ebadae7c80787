import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { Transform } from 'node:stream'
import { parseArgs } from 'node:util'
import { Spawn, t } from 'tap'
import { isBuildCurrent } from './support/cli.ts'
import { jobsOf, referenceJobsOf } from './support/jobs.ts'

// `npm test`: every test file, or those named behind it, with a PostgreSQL of this run's own. Prints a line a file and
// what failed, and as the last line tap's count. A process that `tap` itself starts spends half a second of CPU on
// book-keeping for coverage, and each file would have one.

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { jobs: { type: 'string' } } })
const fileTimeoutMs = 120_000
const root = path.join(import.meta.dirname, '..')
const preload = '--import=./test/support/typescript.mjs'
const children = new Set<ChildProcess>()

// Files have a time-out each, their run has none.
t.setTimeout(0)
const files = positionals.length > 0 ? positionals.map(file => path.relative(root, path.resolve(file))) : allFiles()
process.chdir(root)
for (const file of files) if (!existsSync(file)) throw new Error(`no such file: ${file}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of children) child.kill(signal)
    // PostgreSQL's watchdog notices.
    process.exit(1)
  })
}

if (!isBuildCurrent()) await run('npm', 'run', 'build', '--silent')
await run(process.execPath, 'test/support/compile-all.mjs')
await run(process.execPath, preload, 'test/support/before.ts')

t.jobs = Number(options.jobs ?? availableParallelism() * 2)
t.pipe(withoutWhatIsWell()).pipe(process.stdout)
const jobs = [...jobsOf(files), ...process.env.LATCHKEY_TEST_ENGINE === undefined ? referenceJobsOf(files) : []]
await Promise.all(jobs.map(async ({ name, files, engine }) => {
  const args = files.length === 1 && engine === undefined ? files : ['test/support/group.ts', ...files]
  const settings = { TAP_TIMEOUT: String(fileTimeoutMs / 1000), ...engine === undefined ? {} : { LATCHKEY_TEST_ENGINE: engine } }
  const test = t.sub(Spawn, {
    name,
    buffered: true,
    // tap would have the process load its book-keeping, through NODE_OPTIONS.
    command: 'env',
    args: [`NODE_OPTIONS=${process.env.NODE_OPTIONS ?? ''}`, process.execPath, '--enable-source-maps', preload, ...args],
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: 'inherit',
    timeout: fileTimeoutMs * files.length,
  })
  test.subtest?.on('process', child => {
    children.add(child)
    child.once('close', () => children.delete(child))
  })
  await test
}))
await run(process.execPath, preload, 'test/support/after.ts')
t.end()
// What tap would do by itself, were its stream not piped on.
if (!t.passing()) process.exitCode = 1

async function run (...[command, ...args]: [string, ...string[]]): Promise<void> {
  const child = spawn(command, args, { stdio: 'inherit' })
  children.add(child)
  const [code] = await once(child, 'close')
  children.delete(child)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

/** What takes minutes is left to `npm run test:long`. */
function allFiles (): string[] {
  return readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts') && !file.startsWith('long/'))
    .map(file => `test/${file}`)
    .sort()
}

function withoutWhatIsWell (): Transform {
  let rest = ''
  return new Transform({
    transform (chunk, _encoding, callback) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      callback(null, lines.filter(line => /^ {4}ok .*\.test\.ts /.test(line) || !/^( +(ok |# |[0-9]+\.\.)|# Subtest| *[{}]?$)/.test(line)).map(line => `${line}\n`).join(''))
    },
    flush (callback) { callback(null, rest) },
  })
}
