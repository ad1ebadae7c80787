import type { Test } from 'tap'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/postgres.ts'

export interface BadInput {
  readonly args: readonly string[]
  readonly says: RegExp
  readonly env?: Readonly<Record<string, string>>
}

/** Each of these gets a message that says what is wrong, on standard error, and exit code 2. `files`: of the working folder. */
export function refusesAll (t: Test, kinds: Readonly<Record<string, BadInput>>, files: Parameters<Test['testdir']>[0] = {}): void {
  t.test('bad input', async t => {
    const { url } = await createDatabase(t)
    const cwd = t.testdir(files)
    t.jobs = 2
    for (const [kind, { args, says, env = {} }] of Object.entries(kinds)) {
      t.test(kind, { buffered: true }, async t => {
        const { code, stdout, stderr } = await runCli(args, { cwd, env: { DATABASE_URL: url, ...env } })
        t.match(stderr, says, 'it says what is wrong')
        t.equal(code, 2)
        t.equal(stdout, '', 'nothing on standard output')
        t.notMatch(stderr, /\n {4}at /, 'no stack trace')
        t.notMatch(stderr, /hunter2/, 'no secret')
      })
    }
  })
}
