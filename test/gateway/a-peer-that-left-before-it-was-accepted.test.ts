import { execFileSync } from 'node:child_process'
import t from 'tap'
import { startFront } from '../support/front.ts'
import { send } from '../support/http.ts'
import { startUpstream } from '../support/upstream.ts'

const client = `
const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => socket.write(process.argv[2], () => socket.resetAndDestroy()))
`

t.test('what a peer sent that reset its connection before it was accepted is not forwarded', async t => {
  const upstream = await startUpstream(t)
  const { url, key, headers } = await startFront(t, upstream.url)
  await send(`${url}/known`, { headers })
  const request = `GET /nobodys HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: ${key}\r\n\r\n`
  // Nothing in this process runs meanwhile, so the gateway finds the connection when all is over.
  for (let i = 0; i < 3; i++) execFileSync(process.execPath, ['-e', client, new URL(url).port, request])
  await send(`${url}/after`, { headers })
  t.same(upstream.seen.map(seen => [seen.url, seen.headers['x-forwarded-for']]), [['/known', '127.0.0.1'], ['/after', '127.0.0.1']])
})
