import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'

t.test('a minute of chaos, under a seed of its own each time, violates nothing', async t => {
  const run = join(import.meta.dirname, '../chaos/run.ts')
  const child = spawn(process.execPath, [`--import=${import.meta.resolve('tsx')}`, run, '--minutes', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGTERM') })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { printed += text })
  const [code] = await once(child, 'close') as [number | null]
  for (const line of printed.trim().split('\n').slice(-8)) t.comment(line)
  t.equal(code, 0, 'it ends without a violation', { printed })
})
