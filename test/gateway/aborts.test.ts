import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { connectTo } from '../support/raw-connection.ts'
import { until } from '../support/until.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { usageRows } from '../support/usage-rows.ts'

type Exchange = { request: IncomingMessage, response: ServerResponse }
const exchanges: Exchange[] = []
const upstream = await startRawUpstream(t, (request, response) => {
  request.on('error', () => {})
  exchanges.push({ request, response })
  if (request.url === '/quick') response.end('quick')
  if (request.url === '/empty') response.writeHead(204).end()
  if (request.url === '/unchanged') response.writeHead(304).end()
  if (request.url === '/broken') request.socket.destroy()
})
const front = await startFront(t, upstream.url)
const { url, key, gateway } = front
const begin = (method: string, path: string, ...lines: string[]) => [`${method} ${path} HTTP/1.1`, 'Host: gateway', `x-api-key: ${key}`, ...lines, '', ''].join('\r\n')

async function nextExchange (): Promise<Exchange> {
  await until(() => exchanges.length > 0, 'the upstream got the request')
  return exchanges.pop()!
}

const leaving = {
  'before the head of the answer': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('GET', path))
    return { client, ...await nextExchange() }
  },
  'in the middle of the answer': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('GET', path))
    const exchange = await nextExchange()
    exchange.response.write('the beginning')
    await client.sees('the beginning')
    return { client, ...exchange }
  },
  'in the middle of its upload': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('POST', path, 'Content-Length: 100'))
    client.write('half')
    return { client, ...await nextExchange() }
  },
  'in the middle of a chunked upload': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('POST', path, 'Transfer-Encoding: chunked') + '4\r\nhalf\r\n')
    return { client, ...await nextExchange() }
  },
  'after its upload': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('POST', path, 'Content-Length: 4') + 'full')
    const exchange = await nextExchange()
    exchange.request.resume()
    await until(() => exchange.request.complete, 'the upload arrived')
    return { client, ...exchange }
  },
  'while the answer to its upload is under way': async (path: string) => {
    const client = await connectTo(t, url)
    client.write(begin('POST', path, 'Content-Length: 4') + 'full')
    const exchange = await nextExchange()
    exchange.request.resume()
    exchange.response.write('the beginning')
    await client.sees('the beginning')
    return { client, ...exchange }
  },
}

for (const [index, [when, begun]] of Object.entries(leaving).entries()) {
  for (const how of ['reset', 'end'] as const) {
    t.test(`a client that leaves ${when} (${how}) ends the upstream's request, and is recorded with 499`, async t => {
      const path = `/left-${index}-${how}`
      const { client, request, response } = await begun(path)
      let isGone = false
      response.once('close', () => { isGone = true })
      if (how === 'reset') client.socket.resetAndDestroy()
      else client.socket.destroy()
      await until(() => isGone, 'the upstream sees that it can stop')
      t.equal(response.writableFinished, false)
      if (when.includes('middle') && when.includes('upload')) t.equal(request.complete, false, 'half an upload never looks like a whole one')
      const rows = await usageRows(gateway, path)
      t.match(rows, [{ status_code: 499, endpoint: path, route: 'all', api_key_id: front.keyId }])
      t.equal(rows.length, 1)
    })
  }
}

t.test('the gateway goes on', async t => {
  const client = await connectTo(t, url)
  client.write(begin('GET', '/quick'))
  await client.sees('quick')
})

t.test('many requests over one connection leave no listeners behind', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => { warnings.push(warning) }
  process.on('warning', onWarning)
  const client = await connectTo(t, url)
  const requests = [
    begin('GET', '/quick'),
    begin('POST', '/quick', 'Content-Length: 1') + 'x',
    begin('POST', '/quick', 'Transfer-Encoding: chunked') + '1\r\nx\r\n0\r\n\r\n',
    begin('HEAD', '/quick'),
    begin('GET', '/empty'),
    begin('GET', '/unchanged'),
    begin('PATCH', '/broken'),
    begin('GET', '/-/live'),
  ]
  for (const [index, request] of requests.entries()) {
    const listenersBefore = warnings.length
    for (let i = 1; i <= 15; i++) {
      client.received = ''
      client.write(request)
      await client.sees('\r\n\r\n')
      if (/content-length|transfer-encoding/i.test(client.received) && index !== 3) await client.sees(index === 6 ? '}' : index === 7 ? 'live' : 'quick')
    }
    t.equal(warnings.length, listenersBefore, `after ${request.split('\r\n', 1)[0]}`)
  }
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', onWarning)
  t.same(warnings, [])
})
