import t from 'tap'
import { Helpings } from '../../src/keys/helpings.ts'
import { LookUps } from '../../src/keys/look-ups.ts'

type Query = { readonly asked: readonly number[], readonly answer: () => void, readonly fail: (err: Error) => void }

/** Look-ups whose queries are answered when a test says so: an even number is found, as a word. */
function setUp ({ perTurn = 1000 } = {}) {
  const sent: Query[] = []
  const wordOf = (n: number): string | null => n % 2 === 0 ? `found ${n}` : null
  const query = async (asked: readonly number[]): Promise<void> => await new Promise((resolve, reject) => {
    sent.push({ asked, answer: resolve, fail: reject })
  })
  const lookUps = new LookUps<number, string>({
    async findOne (n) {
      await query([n])
      return wordOf(n)
    },
    async findMany (asked) {
      await query(asked)
      return place => {
        if (asked[place] === 666) throw new Error('unreadable')
        return wordOf(asked[place]!)
      }
    },
    helpings: new Helpings({ perTurn }),
  })
  return { sent, lookUps }
}

const settled = async (): Promise<void> => await new Promise(resolve => setImmediate(resolve))

t.test('who comes alone is looked up at once, who comes meanwhile by the next query together', async t => {
  const { sent, lookUps } = setUp()
  const answers = Array.from({ length: 8 }, async (_, n) => await lookUps.find(n))
  t.same(sent.map(({ asked }) => asked), [[0], [1], [2]])
  sent[1]!.answer()
  await settled()
  t.same(sent.slice(3).map(({ asked }) => asked), [[3, 4, 5, 6, 7]])
  for (const { answer } of sent) answer()
  t.same(await Promise.all(answers), ['found 0', null, 'found 2', null, 'found 4', null, 'found 6', null])
})

t.test('a query has a bound', async t => {
  const { sent, lookUps } = setUp()
  const answers = Array.from({ length: 83 }, async (_, n) => await lookUps.find(n))
  for (let i = 0; i < 6; i++) {
    sent[i]!.answer()
    await settled()
  }
  t.same(sent.map(({ asked }) => asked.length), [1, 1, 1, 32, 32, 16])
  t.equal((await Promise.all(answers)).filter(found => found !== null).length, 42)
})

t.test('a query that fails fails those who shared it, and no others', async t => {
  const { sent, lookUps } = setUp()
  const answers = Array.from({ length: 5 }, async (_, n) => await lookUps.find(n).catch((err: Error) => err.message))
  sent[0]!.answer()
  await settled()
  sent[3]!.fail(new Error('lost'))
  sent[1]!.answer()
  sent[2]!.answer()
  t.same(await Promise.all(answers), ['found 0', null, 'found 2', 'lost', 'lost'])
  const later = lookUps.find(6)
  sent[4]!.answer()
  t.equal(await later, 'found 6')
})

t.test('the same asked twice is answered twice', async t => {
  const { sent, lookUps } = setUp()
  const answers = [1, 3, 5, 8, 8].map(async n => await lookUps.find(n))
  sent[0]!.answer()
  await settled()
  for (const { answer } of sent) answer()
  t.same(await Promise.all(answers), [null, null, null, 'found 8', 'found 8'])
})

t.test('an answer that can\'t be read fails who asked for it, and no others', async t => {
  const { sent, lookUps } = setUp()
  const answers = [1, 3, 5, 8, 666, 10].map(async n => await lookUps.find(n).catch((err: Error) => err.message))
  sent[0]!.answer()
  await settled()
  for (const { answer } of sent) answer()
  t.same(await Promise.all(answers), [null, null, null, 'found 8', 'unreadable', 'found 10'])
})

t.test('the answers of a query are given over several turns, and what is asked for meanwhile goes together into the next', async t => {
  const { sent, lookUps } = setUp({ perTurn: 2 })
  let given = 0
  const ask = async (n: number): Promise<void> => {
    await lookUps.find(n)
    given++
  }
  const first = Array.from({ length: 13 }, async (_, n) => await ask(n))
  for (const { answer } of sent.slice(0, 3)) answer()
  while (sent.length < 4) await settled()
  t.same(sent[3]!.asked, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  await settled()
  sent[3]!.answer()
  const later: Promise<void>[] = []
  while (true) {
    const before = given
    await settled()
    t.ok(given - before <= 4, `${given - before} answers in a turn`)
    if (given === 13) break
    later.push(ask(100))
    t.equal(sent.length, 4)
  }
  await Promise.all(first)
  while (sent.length < 5) await settled()
  t.same(sent[4]!.asked, later.map(() => 100))
  t.ok(later.length >= 3)
  sent[4]!.answer()
  await Promise.all(later)
})
