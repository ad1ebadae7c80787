import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { ClientResponse } from '../../../src/upstreams/client-response.ts'
import type { Connection } from '../../../src/upstreams/direct/connection.ts'
import { Copies } from '../../../src/upstreams/direct/copies.ts'
import { Exchange } from '../../../src/upstreams/direct/exchange.ts'
import { ConnectionLostError } from '../../../src/upstreams/failure.ts'
import type { Forwarding } from '../../../src/upstreams/forwarding.ts'
import { Outbox } from '../../../src/upstreams/outbox.ts'
import type { Upstream } from '../../../src/upstreams/upstream.ts'

/** An exchange in the moment between taking a connection and the end of the turn: no socket can be timed to fail there. */
function begin (retries: number) {
  const written: string[][] = []
  const failures: string[] = []
  const takeTarget = () => ({
    host: 'target.test',
    running: 1,
    pool: {
      take (exchange: Exchange) {
        const texts: string[] = []
        written.push(texts)
        exchange.send({ socket: { write: (text: string) => texts.push(text) } as unknown as Socket, destroy () {}, ask () {} } as unknown as Connection)
      },
    },
  })
  const upstream = { config: { retries }, takeTarget } as unknown as Upstream
  const forwarding: Forwarding = { upstream, method: 'GET', path: '/', headerLines: '', host: null, hasBody: false, bodyBytesMax: 0, headMs: null, isEventStream: false, failure: null, abort: null }
  const response = { isDestroyed: false, headersSent: false } as ClientResponse
  const options = { onFailure: (_: unknown, code: string) => failures.push(code) } as unknown as ConstructorParameters<typeof Exchange>[0]
  const exchange = new Exchange(options, { copies: new Copies(), outbox: new Outbox() }, { response, body: null, admit: null }, forwarding)
  exchange.begin()
  return { exchange, written, failures }
}

t.test('a connection that is lost before the request went out: it goes out once, on the next', async t => {
  const { exchange, written } = begin(1)
  exchange.failed(new ConnectionLostError('lost'))
  await turn()
  await turn()
  t.same(written.map(texts => texts.length), [0, 1])
})

t.test('that is no retry: nothing was sent yet', async t => {
  const { exchange, written, failures } = begin(0)
  exchange.failed(new ConnectionLostError('lost'))
  await turn()
  t.same(written.map(texts => texts.length), [0, 1])
  exchange.failed(new ConnectionLostError('lost'))
  t.same(failures, ['upstream_unreachable'])
})

t.test('and happens once', async t => {
  const { exchange, written, failures } = begin(0)
  exchange.failed(new ConnectionLostError('lost'))
  exchange.failed(new ConnectionLostError('lost'))
  await turn()
  t.same(written.map(texts => texts.length), [0, 0])
  t.same(failures, ['upstream_unreachable'])
})
