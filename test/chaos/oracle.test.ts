import t from 'tap'
import type { Echo, Exchange, Outcome, StoredRow, Violation } from './exchange.ts'
import { History, type KeyState, type SecretState } from './history.ts'
import { Oracle } from './oracle.ts'
import { type ConfigVersion } from './routes.ts'
import { judgeRows } from './row-oracle.ts'
import { recoveryMs, Timeline } from './timeline.ts'

// A judge that can't convict is worthless: each test shows it what is right, and then the same with one thing wrong.

const state: KeyState = { keyId: 7, userId: 'ada', scopes: ['red:read', 'Not a scope'], isActive: true, isRevoked: false, expiresAtMs: null }

function scene () {
  const clock = { ms: 0 }
  const now = () => clock.ms
  const timeline = new Timeline(now)
  const config = new History<ConfigVersion>('configuration', 'a', now)
  const bulk = new History<null>('all keys', null, now)
  const secret = new History<SecretState>('key', state, now)
  const deletedKeyIds = new Set<number>()
  const circumstances = { timeline, config, bulk, deletedKeyIds }
  const oracle = new Oracle(circumstances)
  let asked = 0

  /** A request that took 10 ms, and what became of it. */
  const at = (sentAtMs: number, outcome: Outcome | ((id: string) => Outcome), fields: Partial<Exchange> = {}): Exchange => {
    const id = `chaos-${++asked}`
    return {
      id,
      gateway: 'left',
      life: 1,
      method: 'GET',
      path: '/red/1',
      bodyBytes: 0,
      credential: 'key',
      secret,
      sentAtMs,
      endedAtMs: sentAtMs + 10,
      outcome: typeof outcome === 'function' ? outcome(id) : outcome,
      ...fields,
    }
  }
  const change = (fromMs: number, toMs: number, changed: Partial<KeyState>) => {
    clock.ms = fromMs
    const begun = secret.begin('change', { ...state, ...changed })
    clock.ms = toMs
    secret.settle(begun)
  }
  const window = (excuse: 'database' | 'target' | 'gateway', fromMs: number, toMs: number, gateway: string | null = null) => {
    clock.ms = fromMs
    const opened = timeline.open(excuse, 'fault', gateway)
    clock.ms = toMs
    timeline.close(opened)
  }
  const kinds = (exchange: Exchange) => oracle.judge(exchange, sightingsOf(exchange)).map(({ kind }) => kind)
  const rowKinds = (exchanges: Exchange[], rows: StoredRow[], seen: readonly string[] = []) =>
    judgeRows(exchanges, rows, id => seen.includes(id), circumstances).map(({ kind }) => kind)
  return { oracle, at, change, window, kinds, rowKinds, deletedKeyIds, bulk, clock, config }
}

function echo (id: string, fields: Partial<Echo> = {}): Echo {
  return { target: 'first', requestId: id, method: 'GET', path: '/red/1', keyId: '7', userId: 'ada', scopes: 'red:read', keysIn: [], bodyBytes: 0, ...fields }
}

function ok (id: string, fields: Partial<Echo> = {}): Outcome {
  return { kind: 'answered', status: 200, code: null, requestId: id, echo: echo(id, fields) }
}

function refused (status: number, code: string) {
  return (id: string): Outcome => ({ kind: 'answered', status, code, requestId: id, echo: null })
}

function sightingsOf ({ outcome }: Exchange): Echo[] {
  return outcome.kind === 'answered' && outcome.echo !== null ? [outcome.echo] : []
}

function rowOf ({ id, method, path }: Exchange, fields: Partial<StoredRow> = {}): StoredRow {
  return { requestId: id, keyId: 7, route: 'read-red', method, endpoint: path, status: 200, ...fields }
}

const none: Violation['kind'][] = []

t.test('an admission after a revocation', async t => {
  const { at, change, kinds } = scene()
  change(1_000, 1_020, { isRevoked: true })
  t.same(kinds(at(500, ok)), none, 'before it')
  t.same(kinds(at(2_000, ok)), none, 'within a second')
  t.same(kinds(at(2_021, ok)), ['wrong admission', 'wrong admission'], 'after it: the client got it, and so did the upstream')
  t.same(kinds(at(2_021, refused(401, 'key_revoked'))), none)
})

t.test('an admission that only the upstream saw', async t => {
  const { at, change, oracle } = scene()
  change(1_000, 1_020, { isActive: false })
  const exchange = at(3_000, { kind: 'aborted' })
  t.same(oracle.judge(exchange, [echo(exchange.id)]).map(({ kind }) => kind), ['wrong admission'])
})

t.test('an admission without the scope, with a wrong key, and without one', async t => {
  const { at, kinds } = scene()
  t.same(kinds(at(0, id => ok(id, { path: '/blue/1' }), { path: '/blue/1' }))[0], 'wrong admission')
  t.same(kinds(at(0, refused(403, 'insufficient_scope'), { path: '/blue/1' })), none)
  t.same(kinds(at(0, ok, { credential: 'junk', secret: null }))[0], 'wrong admission')
  t.same(kinds(at(0, ok, { credential: 'none', secret: null }))[0], 'wrong admission')
  t.same(kinds(at(0, ok, { secret: new History<SecretState>('unknown', null) }))[0], 'wrong admission')
})

t.test('a stale admission in an outage is right, and wrong soon after it', async t => {
  const { at, change, window, kinds } = scene()
  window('database', 900, 4_000)
  change(1_000, 1_020, { isRevoked: true })
  t.same(kinds(at(4_000 + recoveryMs, ok)), none)
  t.same(kinds(at(4_001 + recoveryMs, ok))[0], 'wrong admission')
})

t.test('an outage of one gateway excuses no other', async t => {
  const { at, change, window, kinds } = scene()
  window('database', 900, 4_000, 'right')
  change(1_000, 1_020, { isRevoked: true })
  t.same(kinds(at(3_000, ok))[0], 'wrong admission')
  t.same(kinds(at(3_000, ok, { gateway: 'right' })), none)
})

t.test('a wrong refusal', async t => {
  const { at, change, kinds } = scene()
  for (const [status, code] of [[401, 'invalid_key'], [401, 'key_revoked'], [401, 'key_expired'], [403, 'insufficient_scope'], [404, 'route_not_found'], [500, 'internal_error'], [429, 'too_many_failures']] as const) {
    t.same(kinds(at(0, refused(status, code))), ['wrong refusal'], code)
  }
  t.same(kinds(at(0, refused(403, 'key_disabled')))[0], 'wrong refusal', 'the right code with the wrong status')
  change(1_000, 1_020, { isActive: false })
  t.same(kinds(at(900, refused(401, 'key_disabled'))), ['wrong refusal'], 'before the change')
  t.same(kinds(at(995, refused(401, 'key_disabled'))), none, 'while it is made')
})

t.test('expiry is on the dot', async t => {
  const { at, change, kinds } = scene()
  change(0, 1, { expiresAtMs: 10_000 })
  t.same(kinds(at(9_000, ok)), none)
  t.same(kinds(at(9_000, refused(401, 'key_expired'))), ['wrong refusal'])
  t.same(kinds(at(9_995, ok)), none)
  t.same(kinds(at(9_995, refused(401, 'key_expired'))), none)
  t.same(kinds(at(10_100, ok))[0], 'wrong admission')
})

t.test('an outage that nothing explains', async t => {
  const { at, window, kinds } = scene()
  for (const [status, code] of [[503, 'key_store_unavailable'], [503, 'overloaded'], [502, 'upstream_unreachable'], [504, 'upstream_timeout']] as const) {
    t.same(kinds(at(0, refused(status, code))), ['undeclared outage'], code)
  }
  t.same(kinds(at(0, refused(503, 'key_store_unavailable'), { endedAtMs: 600 })), ['undeclared outage'])
  window('target', 20_000, 21_000)
  t.same(kinds(at(20_500, refused(502, 'upstream_unreachable'))), none)
  t.same(kinds(at(20_500, refused(503, 'key_store_unavailable'))), ['undeclared outage'], 'a target is no database')
  t.same(kinds(at(20_500, refused(503, 'key_store_unavailable'), { credential: 'junk', secret: null })), ['wrong refusal'], 'junk needs no database')
})

t.test('a cached key that doesn\'t go on', async t => {
  const { at, window, kinds, bulk, clock } = scene()
  const away = refused(503, 'key_store_unavailable')
  window('database', 5_000, 9_000)
  t.same(kinds(at(6_000, away)), none, 'the gateway has never seen the key')
  t.same(kinds(at(6_100, ok)), none)
  t.same(kinds(at(6_200, away)), ['cached key refused'])
  t.same(kinds(at(6_200, away, { life: 2 })), none, 'the gateway was restarted since')
  clock.ms = 6_250
  bulk.settle(bulk.begin('bulk', null))
  t.same(kinds(at(6_300, away)), none, 'all keys count as changed')
})

t.test('a foreign identity header', async t => {
  const { at, kinds } = scene()
  for (const fields of [{ keyId: '8' }, { userId: 'bob' }, { scopes: '*' }, { scopes: 'red:read Not a scope' }, { keyId: null }]) {
    t.same(kinds(at(0, id => ok(id, fields))), ['wrong identity', 'wrong identity'], JSON.stringify(fields))
  }
  const onPublic = { path: '/public/1' }
  t.same(kinds(at(0, id => ok(id, { ...onPublic, keyId: null, userId: null, scopes: null }), onPublic)), none)
  t.same(kinds(at(0, id => ok(id, onPublic), onPublic))[0], 'wrong identity', 'vouched for on a public route')
})

t.test('the key itself at the upstream', async t => {
  const { at, kinds } = scene()
  t.same(kinds(at(0, id => ok(id, { keysIn: ['x-api-key'] }))), ['key leaked'])
  t.same(kinds(at(0, id => ok(id, { keysIn: ['authorization'] }))), ['key leaked'])
})

t.test('another request\'s answer', async t => {
  const { at, kinds } = scene()
  t.same(kinds(at(0, () => ok('chaos-0'))), ['wrong answer'])
  for (const fields of [{ requestId: 'chaos-0' }, { path: '/red/2' }, { method: 'POST' }, { bodyBytes: 1 }]) t.same(kinds(at(0, id => ok(id, fields))), ['wrong answer'])
})

t.test('what was refused and reached the upstream all the same', async t => {
  const { at, change, window, oracle } = scene()
  window('database', 900, 2_000)
  change(1_000, 1_020, { isRevoked: true })
  const unavailable = at(1_005, refused(503, 'key_store_unavailable'))
  t.same(oracle.judge(unavailable, [echo(unavailable.id)]).map(({ kind }) => kind), ['refused but forwarded'])
  const ended = at(1_005, refused(401, 'key_revoked'))
  t.same(oracle.judge(ended, [echo(ended.id)]), [], 'its key was revoked while it was under way')
  const changing = at(1_005, refused(401, 'key_revoked'), { method: 'POST', path: '/any/1' })
  t.same(oracle.judge(changing, [echo(changing.id, { method: 'POST', path: '/any/1' })]).map(({ kind }) => kind), ['refused but forwarded'], 'what may have changed something')
  const brokenOff = at(1_005, { kind: 'broken', hasHead: false, why: 'ECONNRESET' }, { method: 'POST', path: '/any/1' })
  t.same(oracle.judge(brokenOff, [echo(brokenOff.id, { method: 'POST', path: '/any/1' })]), [], 'which is broken off instead')
  const late = at(9_000, refused(401, 'key_revoked'))
  t.same(oracle.judge(late, [echo(late.id)]).map(({ kind }) => kind), ['wrong admission'], 'its key had been revoked long before')
})

t.test('what reached the upstream more than once', async t => {
  const { at, oracle, window } = scene()
  window('target', 0, 1_000)
  const get = at(0, ok)
  t.same(oracle.judge(get, [echo(get.id), echo(get.id)]), [], 'a GET that was tried again')
  t.same(oracle.judge(get, [echo(get.id), echo(get.id), echo(get.id)]).map(({ kind }) => kind), ['forwarded more than once'])
  const post = at(0, refused(502, 'upstream_unreachable'), { method: 'POST', path: '/any/1' })
  const sighting = echo(post.id, { method: 'POST', path: '/any/1' })
  t.same(oracle.judge(post, [sighting]), [])
  t.same(oracle.judge(post, [sighting, sighting]).map(({ kind }) => kind), ['forwarded more than once'])
})

t.test('a connection that breaks, and one that is refused', async t => {
  const { at, window, kinds } = scene()
  window('gateway', 10_000, 11_000)
  t.same(kinds(at(0, { kind: 'broken', why: 'ECONNRESET', hasHead: false })), ['broken connection'])
  t.same(kinds(at(10_500, { kind: 'broken', why: 'ECONNRESET', hasHead: false })), ['broken connection'], 'not even at a shutdown')
  t.same(kinds(at(0, { kind: 'refused' })), ['refused connection'])
  t.same(kinds(at(10_500, { kind: 'refused' })), none)
})

t.test('rows: one for each proven key', async t => {
  const { at, rowKinds, deletedKeyIds } = scene()
  const good = at(0, ok)
  t.same(rowKinds([good], [rowOf(good)]), none)
  t.same(rowKinds([good], []), ['missing row'])
  t.same(rowKinds([good], [rowOf(good), rowOf(good)]), ['double row'])
  for (const fields of [{ keyId: 8 }, { status: 499 }, { route: 'read-blue' }, { method: 'POST' }, { endpoint: '/red/2' }]) {
    t.same(rowKinds([good], [rowOf(good, fields)]), ['wrong row'], JSON.stringify(fields))
  }
  t.same(rowKinds([], [rowOf(good)]), ['unexplained row'], 'of no request')
  deletedKeyIds.add(7)
  t.same(rowKinds([good], []), none, 'its key is gone, and its rows with it')
})

t.test('rows: refusals, outages, public routes and clients that left', async t => {
  const { at, rowKinds } = scene()
  const forbidden = at(0, refused(403, 'insufficient_scope'), { path: '/blue/1' })
  t.same(rowKinds([forbidden], [rowOf(forbidden, { status: 403, route: 'read-blue' })]), none)
  t.same(rowKinds([forbidden], []), ['missing row'])
  const invalid = at(0, refused(401, 'invalid_key'))
  t.same(rowKinds([invalid], []), none)
  t.same(rowKinds([invalid], [rowOf(invalid, { status: 401 })]), ['unexplained row'])
  t.same(rowKinds([invalid], [rowOf(invalid, { status: 401 })], [invalid.id]), none, 'its key was replaced while it was under way')
  t.same(rowKinds([invalid], [], [invalid.id]), ['missing row'])
  const open = at(0, ok, { path: '/public/1' })
  t.same(rowKinds([open], []), none)
  t.same(rowKinds([open], [rowOf(open, { route: 'public' })]), ['wrong row'])
  const left = at(0, { kind: 'aborted' })
  t.same(rowKinds([left], []), none, 'it never got further')
  t.same(rowKinds([left], [], [left.id]), ['missing row'], 'the upstream had it')
  t.same(rowKinds([left], [rowOf(left, { status: 499 })], [left.id]), none)
})

t.test('routes of another version of the configuration', async t => {
  const { at, kinds, config, clock } = scene()
  clock.ms = 10_000
  config.settle(config.begin('written', 'b'))
  const extra = { path: '/extra/1' }
  t.same(kinds(at(9_000, id => ok(id, extra), extra))[0], 'wrong admission')
  t.same(kinds(at(9_000, refused(404, 'route_not_found'), extra)), none)
  t.same(kinds(at(11_000, id => ok(id, extra), extra)), none)
  t.same(kinds(at(20_000, refused(404, 'route_not_found'), extra)), ['wrong refusal'])
})
