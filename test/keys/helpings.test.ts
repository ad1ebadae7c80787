import t from 'tap'
import { Helpings } from '../../src/keys/helpings.ts'

const turn = async (): Promise<void> => await new Promise(resolve => setImmediate(resolve))

t.test('what comes alone runs at once', async t => {
  const helpings = new Helpings({ perTurn: 1 })
  let ran = 0
  for (let i = 1; i <= 3; i++) {
    helpings.run(() => { ran++ })
    t.equal(ran, i)
    t.notOk(helpings.isBehind)
    await turn()
  }
})

t.test('a burst runs in order, a few a turn, and others get theirs in between', async t => {
  const helpings = new Helpings({ perTurn: 3 })
  const ran: (number | string)[] = []
  for (let i = 0; i < 10; i++) helpings.run(() => ran.push(i))
  t.same(ran, [0, 1, 2])
  t.ok(helpings.isBehind)
  while (helpings.isBehind) {
    await turn()
    ran.push('other')
  }
  t.same(ran, [0, 1, 2, 3, 4, 5, 'other', 6, 7, 8, 'other', 9, 'other'])
})

t.test('what a task gives back to run comes after those that wait already', async t => {
  const helpings = new Helpings({ perTurn: 1 })
  const ran: string[] = []
  const done = new Promise<void>(resolve => {
    helpings.run(() => helpings.run(() => {
      ran.push('again')
      resolve()
    }))
  })
  helpings.run(() => ran.push('second'))
  helpings.run(() => {
    ran.push('third')
    helpings.run(() => ran.push('fourth'))
  })
  await done
  while (helpings.isBehind) await turn()
  t.same(ran, ['again', 'second', 'third', 'fourth'])
})
