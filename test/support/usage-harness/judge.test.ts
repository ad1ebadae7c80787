import t from 'tap'
import type { GatewayProcess } from '../gateway-process.ts'
import type { Asked, WrittenRow } from './asked.ts'
import { judge, tell } from './judge.ts'
import { Life } from './life.ts'

function lifeKilledAt (...killedAtMs: number[]): Life {
  const life = new Life('gateway-1', { cli: { child: { pid: 1 } } } as GatewayProcess)
  life.kills.push(...killedAtMs.map(atMs => ({ atMs, lateMs: 0 })))
  return life
}

function asked (id: string, life: Life, completedAtMs: number | null, status: number | null = 200): Asked {
  return { id, path: `/r/${id}`, life, sentAtMs: 0, completedAtMs, status }
}

function row (id: string, more: Partial<WrittenRow> = {}): WrittenRow {
  return { requestId: id, endpoint: `/r/${id}`, status: 200, route: 'all', ...more }
}

t.test('a row is owed for what was seen in time before a kill', async t => {
  const life = lifeKilledAt(1_000)
  const requests = [asked('early', life, 799), asked('late', life, 801), asked('cut', life, null), asked('refused', life, 10, 503)]
  t.match(judge(requests, []), { owed: 1, atRisk: 3, atRiskWritten: 0, violations: [{ kind: 'lost row', id: 'early' }] })
  t.match(tell(judge(requests, []).violations), ['1 × lost row', /early: no row; .* answered 200 after 799.0 ms, 201.0 ms before a kill, when all was 0.0 ms late/])
  t.match(judge(requests, [row('early'), row('late')]), { owed: 1, atRisk: 3, atRiskWritten: 1, violations: [] })
})

t.test('where everything is late, so may a row be', t => {
  const life = lifeKilledAt()
  life.kills.push({ atMs: 1_000, lateMs: 300 })
  t.same(judge([asked('early', life, 499), asked('late', life, 501)], []).missing.map(({ id }) => id), ['early'])
  t.end()
})

t.test('a worker that is killed puts at risk only what was answered about then', async t => {
  const life = lifeKilledAt(1_000, 5_000)
  const requests = [asked('a', life, 900), asked('b', life, 1_400), asked('c', life, 1_600), asked('d', life, 6_000)]
  t.same(judge(requests, []).missing.map(({ id }) => id), ['c', 'd'])
})

t.test('a row that is there twice, is of nobody, or is another than was answered is told', async t => {
  const life = lifeKilledAt()
  const requests = [asked('a', life, 1), asked('b', life, 2), asked('c', life, 3)]
  const rows = [row('a'), row('a'), row('b', { endpoint: '/r/bx' }), row('c', { status: 403 }), row('d')]
  t.same(judge(requests, rows).violations.map(({ kind, id }) => [kind, id]), [['double row', 'a'], ['wrong row', 'b'], ['wrong row', 'c'], ['unknown row', 'd']])
})
