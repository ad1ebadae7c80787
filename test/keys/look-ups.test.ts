import t from 'tap'
import { LookUps } from '../../src/keys/look-ups.ts'

type Query = { readonly asked: readonly number[], readonly answer: () => void, readonly fail: (err: Error) => void }

/** Look-ups whose queries are answered when a test says so: an even number is found, as a word. */
function setUp () {
  const sent: Query[] = []
  const query = async (asked: readonly number[]): Promise<(string | null)[]> => await new Promise((resolve, reject) => {
    sent.push({ asked, answer: () => resolve(asked.map(n => n % 2 === 0 ? `found ${n}` : null)), fail: reject })
  })
  const lookUps = new LookUps<number, string>({ findOne: async n => (await query([n]))[0] ?? null, findMany: query })
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
  const answers = Array.from({ length: 253 }, async (_, n) => await lookUps.find(n))
  for (let i = 0; i < 6; i++) {
    sent[i]!.answer()
    await settled()
  }
  t.same(sent.map(({ asked }) => asked.length), [1, 1, 1, 100, 100, 50])
  t.equal((await Promise.all(answers)).filter(found => found !== null).length, 127)
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
