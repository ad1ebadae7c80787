import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Outbox } from '../../src/upstreams/outbox.ts'

t.test('all that a turn adds is sent at its end, in order; what is added meanwhile, in the next', async t => {
  const outbox = new Outbox()
  const sent: string[] = []
  const sender = (name: string, then?: () => void) => ({
    sendNow () {
      sent.push(name)
      then?.()
    },
  })
  outbox.add(sender('first', () => outbox.add(sender('third'))))
  outbox.add(sender('second'))
  t.same(sent, [])
  await turn()
  t.same(sent, ['first', 'second'])
  await turn()
  t.same(sent, ['first', 'second', 'third'])
})
