import t from 'tap'
import { cleanRow } from '../../src/usage/row.ts'
import { rowOf } from './support.ts'

const redact = (text: string) => text.replace(/secret\w*/g, 's…')
const clean = (more: Parameters<typeof rowOf>[1]) => cleanRow(rowOf(1, more), redact)

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
  t.equal(clean({ endpoint: '/\ud800x' }).endpoint, '/\ufffdx')
})

t.test('what looks like a key is redacted before the cut', async (t) => {
  t.equal(clean({ endpoint: '/secret123/x' }).endpoint, '/s…/x')
  t.equal(clean({ endpoint: '/sec\0ret123' }).endpoint, '/s…')
  t.equal(clean({ userAgent: 'secret123' }).userAgent, 's…')
  t.equal(clean({ requestId: 'secret123' }).requestId, 's…')
  const straddling = '/'.padEnd(250, 'x') + '/secret123'
  t.equal(clean({ endpoint: straddling }).endpoint, '/'.padEnd(250, 'x') + '/s…')
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
  t.equal(clean({ ipAddress: null }).ipAddress, null)
})

t.test('numbers fit their columns', async (t) => {
  t.equal(clean({ responseTimeMs: 1.6 }).responseTimeMs, 2)
  t.equal(clean({ responseTimeMs: -5 }).responseTimeMs, 0)
  t.equal(clean({ responseTimeMs: 1e12 }).responseTimeMs, 2_147_483_647)
  t.equal(clean({ responseTimeMs: NaN }).responseTimeMs, 0)
})
