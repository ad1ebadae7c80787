import { once } from 'node:events'
import t from 'tap'
import { startCli } from '../support/cli.ts'

t.test('a reader that leaves early causes no error trace', async t => {
  const child = startCli(['config', 'schema'], { cwd: t.testdir() })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  // As `| head -0` does: nobody is left to read when the command comes to write.
  child.stdout?.destroy()
  const [code] = await once(child, 'close')
  t.equal(code, 0)
  t.equal(stderr, '')
})
