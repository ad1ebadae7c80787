import t from 'tap'
import { runCli } from '../support/cli.ts'

const commands = [
  [], ['start'], ['demo'], ['init'], ['doctor'],
  ['migrate'], ['migrate', 'up'], ['migrate', 'down'], ['migrate', 'status'], ['migrate', 'verify'],
  ['keys'], ['keys', 'create'], ['keys', 'import'], ['keys', 'list'], ['keys', 'show'], ['keys', 'update'], ['keys', 'rotate'], ['keys', 'end-grace'],
  ['keys', 'disable'], ['keys', 'enable'], ['keys', 'revoke'],
  ['tokens'], ['tokens', 'create'], ['tokens', 'list'], ['tokens', 'revoke'],
  ['config'], ['config', 'check'], ['config', 'explain'], ['config', 'schema'],
  ['usage'], ['usage', 'report'], ['usage', 'export'],
  ...['traffic', 'errors', 'idle-keys', 'unused-scopes'].map(what => ['usage', 'report', what]),
]

t.test('help, with examples', async t => {
  const cwd = t.testdir()
  t.jobs = 2
  for (const command of commands) {
    t.test(`latchkey ${command.join(' ')}`, { buffered: true }, async t => {
      const { code, stdout, stderr } = await runCli([...command, '--help'], { cwd })
      t.equal(code, 0)
      t.equal(stderr, '')
      t.match(stdout, `Usage: ${['latchkey', ...command].join(' ')}`)
      t.match(stdout, /\nExamples:\n {2}# .*\n {2}\$ (.* )?latchkey|\n {2}\$ KEY=/)
    })
  }
})

t.test('the version', async t => {
  const cwd = t.testdir()
  for (const args of [['--version'], ['keys', 'list', '--version'], ['help']]) {
    const { code, stdout } = await runCli(args, { cwd })
    t.equal(code, 0)
    t.match(stdout, args[0] === 'help' ? /^Usage: latchkey/ : /^\d+\.\d+\.\d+\n$/)
  }
})
