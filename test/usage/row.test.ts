import t from 'tap'
import { RowCleaner } from '../../src/usage/row.ts'
import { rowOf } from './support.ts'

const redact = (text: string) => text.replace(/secret\w*/g, 's…')
const cleaner = new RowCleaner(redact)
const clean = (more: Parameters<typeof rowOf>[1]) => cleaner.clean(rowOf(1, more))

t.test('text is cut at the columns\' widths, by code points', async (t) => {
  t.equal(clean({ endpoint: '/'.padEnd(300, 'x') }).endpoint, '/'.padEnd(255, 'x'))
  t.equal(clean({ endpoint: '/'.padEnd(255, 'x') }).endpoint, '/'.padEnd(255, 'x'))
  t.equal(clean({ endpoint: '😀'.repeat(200) }).endpoint, '😀'.repeat(200))
  t.equal(clean({ endpoint: '😀'.repeat(256) }).endpoint, '😀'.repeat(255))
  t.equal(clean({ method: 'VERSION-CONTROL' }).method, 'VERSION-CO')
  t.equal(clean({ userAgent: 'x'.repeat(100_000) }).userAgent, 'x'.repeat(512))
  t.equal(clean({ requestId: 'x'.repeat(200) }).requestId, 'x'.repeat(128))
})

t.test('what Postgres can not hold is left out', async (t) => {
  t.equal(clean({ endpoint: '/a\0b\0' }).endpoint, '/ab')
  t.equal(clean({ userAgent: '\0' }).userAgent, '')
})

t.test('what looks like a key is redacted before the cut', async (t) => {
  t.equal(clean({ endpoint: '/secret123/x' }).endpoint, '/s…/x')
  t.equal(clean({ endpoint: '/sec\0ret123' }).endpoint, '/s…')
  t.equal(clean({ userAgent: 'secret123' }).userAgent, 's…')
  t.equal(clean({ requestId: 'secret123' }).requestId, 's…')
  const straddling = '/'.padEnd(250, 'x') + '/secret123'
  t.equal(clean({ endpoint: straddling }).endpoint, '/'.padEnd(250, 'x') + '/s…')
})

t.test('a text that comes again is cleaned again, also after many others', async (t) => {
  const asked: string[] = []
  const cleaner = new RowCleaner((text) => { asked.push(text); return redact(text) })
  const agentOf = (userAgent: string) => cleaner.clean(rowOf(1, { userAgent, endpoint: '/path' })).userAgent
  for (let round = 0; round < 3; round++) {
    t.equal(agentOf('secret1'), 's…')
    t.equal(agentOf('secret1'), 's…')
    t.equal(agentOf('other'), 'other')
    t.equal(agentOf('secret1'), 's…')
    for (let i = 0; i < 600; i++) if (agentOf(`secret${i} ${i}`) !== `s… ${i}`) t.fail(String(i))
    for (const tail of ['a', 'b', 'a']) t.equal(agentOf('x'.repeat(600) + tail), 'x'.repeat(512))
  }
  t.equal(asked.filter((text) => text === '/path').length, 1, 'the same one over and over is read once')
  t.equal(asked.filter((text) => text === 'secret1').length, 9, 'but what holds a secret is not remembered')
})

t.test('what fails to be read fails each time', async (t) => {
  const cleaner = new RowCleaner((text) => { if (text === 'bad') throw new Error('no'); return text })
  for (let i = 0; i < 3; i++) {
    t.throws(() => cleaner.clean(rowOf(1, { userAgent: 'bad' })))
    t.throws(() => cleaner.clean(rowOf(1, { endpoint: 'bad' })))
    t.equal(cleaner.clean(rowOf(1, { userAgent: 'good' })).userAgent, 'good')
  }
})

t.test('addresses', async (t) => {
  const addresses: Record<string, string | null> = {
    '10.0.0.1': '10.0.0.1',
    '::1': '::1',
    '2001:db8::1': '2001:db8::1',
    'fe80::1%eth0': 'fe80::1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '::FFFF:10.0.0.1': '10.0.0.1',
    '::ffff:10.0.0.999': null,
    '10.0.0.1/8': null,
    '10.0.0': null,
    unknown: null,
    '': null,
  }
  for (const [given, stored] of Object.entries(addresses)) t.equal(clean({ ipAddress: given }).ipAddress, stored, given)
  for (const [given, stored] of Object.entries(addresses)) t.equal(clean({ ipAddress: given }).ipAddress, stored, `${given} again`)
  t.equal(clean({ ipAddress: null }).ipAddress, null)
})

t.test('numbers fit their columns', async (t) => {
  t.equal(clean({ responseTimeMs: 1.6 }).responseTimeMs, 2)
  t.equal(clean({ responseTimeMs: -5 }).responseTimeMs, 0)
  t.equal(clean({ responseTimeMs: 1e12 }).responseTimeMs, 2_147_483_647)
  t.equal(clean({ responseTimeMs: NaN }).responseTimeMs, 0)
})
