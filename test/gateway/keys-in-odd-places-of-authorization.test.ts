import t from 'tap'
import { generateKey, holdsBranded } from '../../src/keys/format.ts'
import { startFront } from '../support/front.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('an upstream sees no key in Authorization, be it where none is accepted', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url, { routes: ["id: reports, path: /reports, auth: report, scopes: ['all:use']"] })
  const other = generateKey({ brand: 'sk', environment: 'live' })
  const odd = [other, `ApiKey ${other}`, `Bearer "${other}"`, `Bearer a, Bearer ${other}`, `Token token=${other}`, `Bearer ${other}`.replace(' ', ':'), other.slice(0, 30)]
  for (const authorization of odd) {
    const reported = await ask(url, { target: '/reports', headers: [host, `Authorization: ${authorization}`] })
    t.equal(reported.status, 200, `${authorization} without another key is no key`)
    t.equal(upstream.seen.at(-1)!.headers.authorization, undefined, 'and stays here on a reporting route')
    const admitted = await ask(url, { target: '/all', headers: [host, `x-api-key: ${key}`, `Authorization: ${authorization}`] })
    t.equal(admitted.status, 200, `${authorization} beside a key does not count`)
    t.equal(upstream.seen.at(-1)!.headers.authorization, undefined, 'and stays here')
  }
  const seenBefore = upstream.seen.length
  t.equal((await ask(url, { target: '/all', headers: [host, `Authorization: ${key}`] })).code, 'missing_key', 'without its scheme a key is none')
  t.equal(upstream.seen.length, seenBefore)

  for (const authorization of ['Basic dXNlcjpwYXNz', 'Bearer eyJhbGciOi.eyJzdWIiOiJza19h.c2tfbGl2ZV8', 'Bearer task_live_abc', 'Bearer pk_live_abc', 'Digest username="sk_", realm="sk"']) {
    await ask(url, { target: '/all', headers: [host, `x-api-key: ${key}`, `Authorization: ${authorization}`] })
    t.equal(upstream.seen.at(-1)!.headers.authorization, authorization, 'what belongs to the upstream passes')
  }
  t.notOk(holdsBranded('', 'sk'))
})
