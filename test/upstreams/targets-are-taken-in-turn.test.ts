import t from 'tap'
import { DirectEngine } from '../../src/upstreams/direct/direct-engine.ts'
import { runningMax, Upstream } from '../../src/upstreams/upstream.ts'

function upstreamOf (t: Pick<typeof import('tap')['default'], 'teardown'>, ...targets: string[]): Upstream {
  const upstream = new Upstream({ name: 'x', targets, connectTimeoutMs: 1_000, headersTimeoutMs: 1_000, bodyTimeoutMs: 1_000, retries: 1 }, new DirectEngine().openPool)
  t.teardown(() => upstream.destroy())
  return upstream
}

t.test('in turn, and past one that has just failed', t => {
  const upstream = upstreamOf(t, 'http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3')
  const first = upstream.takeTarget()!
  t.equal(first.origin, 'http://127.0.0.1:1')
  t.equal(upstream.takeTarget()!.origin, 'http://127.0.0.1:2')
  t.equal(upstream.takeTarget()!.origin, 'http://127.0.0.1:3')
  t.equal(upstream.takeTarget(first)!.origin, 'http://127.0.0.1:2')
  t.end()
})

t.test('the only target is tried again itself', t => {
  const upstream = upstreamOf(t, 'http://127.0.0.1:1')
  const only = upstream.takeTarget()!
  t.equal(upstream.takeTarget(only), only)
  t.end()
})

t.test('a target with too many requests under way is left out, and there is none when all have', t => {
  const upstream = upstreamOf(t, 'http://127.0.0.1:1', 'http://127.0.0.1:2')
  const [first, second] = [upstream.takeTarget()!, upstream.takeTarget()!]
  while (first.running < runningMax) upstream.takeTarget()
  while (second.running < runningMax) upstream.takeTarget()
  t.equal(upstream.takeTarget(), null)
  second.running--
  t.equal(upstream.takeTarget(), second)
  t.equal(upstream.takeTarget(), null)
  t.end()
})
