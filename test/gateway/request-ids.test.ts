import t from 'tap'
import { startFront } from '../support/front.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

t.test('a request id is echoed where it is valid, else made', async t => {
  // An upstream that answers with an id of its own.
  const upstream = await startUpstream(t, (_, response) => { response.setHeader('X-Request-Id', 'the-upstreams'); response.end() })
  const { gateway, url, key, keyId } = await startFront(t, upstream.url)
  const valid = ['a', 'A-Z.0_9', '6f1c', 'x'.repeat(128), '-', '..']
  const invalid = ['', ' ', 'a b', 'x'.repeat(129), 'ä', 'a/b', '"a"', 'a,b', 'a\tb', '%41', 'a;b', 'sk_live_0123456789abcdefghijklmnopqrstuvwxyz']

  for (const id of [...valid, ...invalid]) {
    for (const [target, credential] of [['/x', `x-api-key: ${key}`], ['/x', 'x-none: x'], ['/-/live', 'x-none: x'], ['//', 'x-none: x']] as const) {
      const seen = upstream.seen.length
      const { headers, text, code } = await ask(url, { target, headers: [host, credential, `X-Request-ID: ${id}`] })
      const answered = headers['x-request-id']!
      t.equal(answered.length, 1, 'one line')
      if (valid.includes(id)) t.equal(answered[0], id)
      else t.match(answered[0], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/, `${id} isn't valid`)
      if (code !== undefined) t.equal(JSON.parse(text).requestId, answered[0])
      if (upstream.seen.length > seen) t.equal(upstream.seen.at(-1)!.headers['x-request-id'], answered[0], 'the upstream got the same')
    }
  }
  t.equal(upstream.seen.length, valid.length + invalid.length)

  const made = new Set<string>()
  for (let i = 0; i < 20; i++) made.add((await ask(url, { target: '/x' })).headers['x-request-id']![0]!)
  t.equal(made.size, 20, 'each is another')

  await until(async () => {
    const { rows } = await gateway.database.pool.query('select request_id from api_key_usage where api_key_id = $1', [keyId])
    return rows.filter(row => valid.includes(row.request_id)).length === valid.length
  }, 'usage holds the ids that the clients saw')
  t.ok(gateway.logs.some(line => JSON.parse(line).requestId === 'A-Z.0_9'), 'and so does the log')
})
