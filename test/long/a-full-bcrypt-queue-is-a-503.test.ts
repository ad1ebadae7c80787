import t from 'tap'
import { checksumOf } from '../../src/keys/format.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'

/** Without a pepper, each look-up of a key that shares a stored prefix costs a bcrypt. */
t.test('a full bcrypt queue', async t => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    pepper: null,
    config: `
gateway: { trustProxy: [127.0.0.1], failureBudget: { failures: 1000000, per: 1h } }
keys: { bcryptCost: 8 }
upstreams: { u: { targets: ["${upstream.url}"] } }
routes: [{ id: all, path: '/*', upstream: u }]
`,
  })
  const victim = (await gateway.createKey()).key
  const bystander = (await gateway.createKey()).key
  const from = async (address: string, key: string) => await send(gateway.url, { headers: { 'x-forwarded-for': address, 'x-api-key': key } })
  let count = 0
  /** Well-formed, and with the victim's prefix. */
  const lookalike = () => {
    const body = `${victim.slice(0, 12)}${String(++count).padStart(28, '0')}`
    return body + checksumOf(body)
  }
  const flood = (address: string, size: number) => Array.from({ length: size }, async () => await from(address, lookalike()))
  t.equal((await from('192.0.2.1', victim)).status, 200)

  t.test('can\'t be filled from one address', async t => {
    const flooding = flood('192.0.2.2', 200)
    t.equal((await from('192.0.2.3', bystander)).status, 200, 'first use of another key')
    t.same(new Set((await Promise.all(flooding)).map(({ code }) => code)), new Set(['invalid_key']))
  })

  t.test('is answered 503, and never 401', async t => {
    const answers = await Promise.all([4, 5, 6, 7].flatMap(n => flood(`192.0.2.${n}`, 100)))
    const busy = answers.filter(({ code }) => code === 'overloaded')
    t.comment(`${busy.length} of ${answers.length} found the queue full`)
    t.ok(busy.length > 0)
    for (const { status, headers } of busy) t.same([status, headers['retry-after']], [503, '1'])
    t.ok(answers.every(({ code }) => code === 'overloaded' || code === 'invalid_key'))
    t.equal((await from('192.0.2.4', victim)).status, 200)
  })
})
