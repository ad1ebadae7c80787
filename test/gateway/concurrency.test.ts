import { Agent, request } from 'node:http'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('500 requests at once over 20 connections each get the answer that is theirs', async t => {
  const upstream = await startUpstream(t, (incoming, response, body) => {
    const id = incoming.url!.slice(1)
    // Answers overtake each other.
    setTimeout(() => {
      response.writeHead(200, { 'x-id': id, 'x-request': incoming.headers['x-request-id'] })
      response.end(`${id}:${body}`)
    }, Number(id) * 7 % 20)
  })
  const { url, headers } = await startFront(t, upstream.url)
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  t.teardown(() => agent.destroy())

  const ask = async (id: number) => await new Promise<object>((resolve, reject) => {
    const body = id % 3 === 0 ? '' : `${id};`.repeat(id)
    const outgoing = request(`${url}/${id}`, { agent, method: body === '' ? 'GET' : 'POST', headers: { ...headers, 'x-request-id': `id-${id}` } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => { text += chunk }).on('end', () => resolve({
        status: response.statusCode,
        id: response.headers['x-id'],
        request: response.headers['x-request'],
        requestId: response.headers['x-request-id'],
        isOwn: text === `${id}:${body}`,
      }))
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  const ids = Array.from({ length: 500 }, (_, id) => id)
  const answers = await Promise.all(ids.map(ask))
  t.same(answers, ids.map(id => ({ status: 200, id: String(id), request: `id-${id}`, requestId: `id-${id}`, isOwn: true })))
})
