import t from 'tap'
import type { UsageBatch, UsageStore, WriteOutcome } from '../../src/usage/store.ts'
import { until } from '../support/until.ts'
import { addsUp, decode, rowOf, startRecorder } from './support.ts'

/** A store whose answers the test gives, one at a time. */
class HeldStore implements UsageStore {
  readonly attempts: { batch: UsageBatch, answer: (outcome: WriteOutcome) => void, fail: (err: Error) => void }[] = []
  write (batch: UsageBatch): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => { this.attempts.push({ batch, answer: resolve, fail: reject }) })
  }

  async forget (): Promise<void> {}

  async prune (): Promise<void> {}

  async installationId (): Promise<string> {
    return '00000000-0000-4000-8000-000000000000'
  }
}

const written = (rowsWritten: number): WriteOutcome => ({ kind: 'written', isEarlier: false, rowsWritten, rowsOrphaned: 0, deferred: null, lastUsedError: null })

t.test('rows of a batch under way are waiting until the store has answered', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, flushRows: 3 })
  for (let i = 0; i < 5; i++) recorder.record(rowOf(1))
  t.match(recorder.stats(), { recorded: 5, written: 0, dropped: 0, waiting: 5 })
  const flushed = recorder.flush()
  await until(() => store.attempts.length === 1, 'first batch')
  t.match(recorder.stats(), { recorded: 5, written: 0, waiting: 5 })
  store.attempts[0]?.answer(written(3))
  await until(() => store.attempts.length === 2, 'second batch')
  t.match(recorder.stats(), { recorded: 5, written: 3, waiting: 2 })
  store.attempts[1]?.answer(written(2))
  await flushed
  t.match(recorder.stats(), { recorded: 5, written: 5, waiting: 0 })
  t.equal(recorder.stats().flushDuration.cumulative().count, 2)
})

t.test('one batch is under way at a time', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, flushRows: 2, flushEveryMs: 1 })
  for (let i = 0; i < 10; i++) recorder.record(rowOf(1))
  const flushes = Promise.all([recorder.flush(), recorder.flush(), recorder.flush()])
  for (let i = 0; i < 5; i++) {
    await until(() => store.attempts.length === i + 1, `batch ${i}`)
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(store.attempts.length, i + 1)
    store.attempts[i]?.answer(written(2))
  }
  await flushes
  t.equal(recorder.stats().written, 10)
})

t.test('a failed batch is tried again as it was', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, flushRows: 2 })
  recorder.record(rowOf(1))
  recorder.record(rowOf(1))
  await until(() => store.attempts.length === 1, 'first try')
  store.attempts[0]?.fail(new Error('away'))
  recorder.record(rowOf(1))
  await until(() => store.attempts.length === 2, 'second try')
  t.match(recorder.stats(), { recorded: 3, written: 0, dropped: 0, waiting: 3 })
  t.equal(store.attempts[1]?.batch, store.attempts[0]?.batch)
  store.attempts[1]?.answer(written(2))
  await until(() => store.attempts.length === 3, 'next batch')
  t.not(store.attempts[2]?.batch.id, store.attempts[0]?.batch.id)
  store.attempts[2]?.answer(written(1))
  await until(() => recorder.stats().written === 3, 'all written')
})

t.test('a full queue drops the newest row, counts it, and says so once', async (t) => {
  const store = new HeldStore()
  const { recorder, lines } = startRecorder(t, { store, rowsMax: 10, flushRows: 4 })
  for (let i = 0; i < 25; i++) recorder.record(rowOf(1, { requestId: `row-${i}` }))
  t.match(recorder.stats(), { recorded: 25, written: 0, dropped: 15, waiting: 10 })
  await until(() => store.attempts.length === 1, 'first batch')
  recorder.record(rowOf(1))
  t.match(recorder.stats(), { recorded: 26, dropped: 16, waiting: 10 }, 'rows under way count towards the bound')
  t.equal(lines.filter(({ reason }) => reason === 'queue full').length, 1)
  for (let i = 0; i < 3; i++) {
    await until(() => store.attempts.length === i + 1, `batch ${i}`)
    const { batch, answer } = store.attempts[i]!
    answer(written(batch.rows.count))
    if (i < 2) continue
    await until(() => recorder.stats().written === 10, 'all written')
  }
  t.same(store.attempts.flatMap(({ batch }) => decode(batch.rows).map(({ requestId }) => requestId)), Array.from({ length: 10 }, (_, i) => `row-${i}`))
  await recorder.close({ timeoutMs: 0 })
  t.equal(lines.filter(({ reason }) => reason === 'queue full').reduce((sum, { rows = 0 }) => sum + rows, 0), 16)
})

t.test('after the end, rows are dropped and counted', async (t) => {
  const { recorder } = startRecorder(t, { store: new HeldStore() })
  await recorder.close({ timeoutMs: 1000 })
  recorder.record(rowOf(1))
  t.match(recorder.stats(), { recorded: 1, dropped: 1, waiting: 0 })
})

t.test('what could not be written by the end is dropped, counted and logged', async (t) => {
  const store = new HeldStore()
  const { recorder, lines } = startRecorder(t, { store, flushRows: 2 })
  for (let i = 0; i < 5; i++) recorder.record(rowOf(1))
  await Promise.all([recorder.close({ timeoutMs: 20 }), recorder.close({ timeoutMs: 20 })])
  t.match(recorder.stats(), { recorded: 5, written: 0, dropped: 5, waiting: 0 })
  t.match(lines.filter(({ level }) => level === 50), [{ rows: 5 }])
  // Too late: these rows have been counted.
  store.attempts[0]?.answer(written(2))
  await new Promise((resolve) => setImmediate(resolve))
  t.match(recorder.stats(), { recorded: 5, written: 0, dropped: 5, waiting: 0 })
})

t.test('a row that can not be read is dropped alone', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, redact: (text) => { if (text === '/bad') throw new Error('no'); return text } })
  for (const endpoint of ['/a', '/bad', '/b']) recorder.record(rowOf(1, { endpoint }))
  const flushed = recorder.flush()
  await until(() => store.attempts.length === 1, 'batch')
  t.same(decode(store.attempts[0]!.batch.rows).map(({ endpoint }) => endpoint), ['/a', '/b'])
  store.attempts[0]?.answer(written(2))
  await flushed
  t.match(recorder.stats(), { recorded: 3, written: 2, dropped: 1, waiting: 0 })
})

t.test('deferred rows come again in batches of their own, until they are written', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, flushRows: 3 })
  const answerNext = async (attempt: number, defers: boolean) => {
    await until(() => store.attempts.length === attempt + 1, `batch ${attempt}`)
    const { batch, answer } = store.attempts[attempt]!
    answer(defers ? { kind: 'written', isEarlier: false, rowsWritten: 0, rowsOrphaned: 0, deferred: batch.rows, lastUsedError: null } : written(batch.rows.count))
    return decode(batch.rows).map(({ requestId }) => requestId)
  }
  for (let i = 0; i < 5; i++) recorder.record(rowOf(i < 3 ? 1 : 2, { requestId: `row-${i}` }))
  const first = recorder.flush()
  t.same(await answerNext(0, true), ['row-0', 'row-1', 'row-2'])
  t.same(await answerNext(1, true), ['row-3', 'row-4'])
  await first
  t.match(recorder.stats(), { recorded: 5, written: 0, waiting: 5 })
  t.equal(store.attempts.length, 2, 'not within the flush that deferred them')
  recorder.record(rowOf(3, { requestId: 'row-5' }))
  const second = recorder.flush()
  t.same(await answerNext(2, false), ['row-0', 'row-1', 'row-2'])
  t.same(await answerNext(3, true), ['row-3', 'row-4'])
  t.same(await answerNext(4, false), ['row-5'])
  await second
  t.match(recorder.stats(), { recorded: 6, written: 4, waiting: 2 })
  const third = recorder.flush()
  t.same(await answerNext(5, false), ['row-3', 'row-4'])
  await third
  t.match(recorder.stats(), { recorded: 6, written: 6, waiting: 0 })
})

t.test('while a batch can not be written, the rows behind it are gathered in whole batches', async (t) => {
  const store = new HeldStore()
  const { recorder } = startRecorder(t, { store, flushRows: 4 })
  let recorded = 0
  const record = (rows: number) => { for (; rows > 0; rows--) recorder.record(rowOf(1, { requestId: `row-${recorded++}` })) }
  record(1)
  for (let attempt = 0; attempt < 6; attempt++) {
    const flushed = recorder.flush()
    await until(() => store.attempts.length === attempt + 1, `attempt ${attempt}`)
    record(2)
    store.attempts[attempt]?.fail(new Error('away'))
    await flushed
  }
  t.match(recorder.stats(), { recorded: 13, written: 0, waiting: 13 })
  const flushed = recorder.flush()
  const sizes: number[] = []
  for (let attempt = 6; recorder.stats().waiting > 0; attempt++) {
    await until(() => store.attempts.length > attempt || recorder.stats().waiting === 0, `attempt ${attempt}`)
    const { batch, answer } = store.attempts[attempt]!
    sizes.push(batch.rows.count)
    answer(written(batch.rows.count))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await flushed
  t.same(sizes, [1, 4, 4, 4])
  t.match(recorder.stats(), { recorded: 13, written: 13 })
})

t.test('the numbers add up at every moment', async (t) => {
  // Answers at random, of every kind; reads the numbers after each step.
  let seed = 1
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
  const store: UsageStore = {
    async write ({ rows }) {
      await new Promise((resolve) => setImmediate(resolve))
      const kind = random(6)
      if (kind === 5) return { kind: 'locked', keyIds: rows.keyIds() }
      if (kind === 0) throw new Error('away')
      if (kind === 1) return { kind: 'refused', reason: new Error('refused') }
      const [deferred] = kind === 2 && rows.count > 1 ? rows.splitAt(Math.ceil(rows.count / 2)) : [kind === 2 ? rows : null]
      const kept = rows.count - (deferred?.count ?? 0)
      const rowsOrphaned = random(kept + 1)
      return { kind: 'written', isEarlier: false, rowsWritten: kept - rowsOrphaned, rowsOrphaned, deferred, lastUsedError: null }
    },
    async forget () {},
    async prune () {},
    async installationId () { return '' },
  }
  const { recorder } = startRecorder(t, { store, flushRows: 7, rowsMax: 50, flushEveryMs: 1 })
  let isWrong = false
  for (let i = 0; i < 2000; i++) {
    for (let rows = random(4); rows > 0; rows--) recorder.record(rowOf(1))
    if (random(10) === 0) recorder.flush().catch(t.threw)
    if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    isWrong ||= !addsUp(recorder.stats())
  }
  t.notOk(isWrong)
  await recorder.close({ timeoutMs: 10_000 })
  t.ok(addsUp(recorder.stats()))
  t.equal(recorder.stats().waiting, 0)
  t.ok(recorder.stats().written > 0)
})
