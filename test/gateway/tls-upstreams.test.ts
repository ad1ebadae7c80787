import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server as SecureServer } from 'node:https'
import { type AddressInfo, createServer as createSilentServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { WebSocketServer } from 'ws'
import { type Certificate, makeCertificate } from '../support/certificates.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { send } from '../support/http.ts'
import { ask } from '../support/raw-http.ts'
import { until } from '../support/until.ts'
import { WebSocketClient } from '../support/websocket.ts'

const dayMs = 86_400_000
const authority = { ...makeCertificate('Authority', { isAuthority: true }), name: 'Authority' }
const stranger = { ...makeCertificate('Stranger', { isAuthority: true }), name: 'Stranger' }
const folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const authorityFile = join(folder, 'authority.pem')
writeFileSync(authorityFile, authority.cert)

/** What came through to upstreams that must get nothing. */
const leaked: string[] = []
/** What the good upstreams got, with the server name that was asked for. */
const seen: { readonly url: string, readonly host: string, readonly serverName: string | false | null, readonly isReused: boolean, readonly isResumed: boolean }[] = []
const sockets = new WeakSet<Socket>()

const good = makeCertificate('good', { names: ['localhost', '127.0.0.1'], issuer: authority })
const targets: Record<string, string> = {
  named: `https://localhost:${await listen(secure(good, answer))}`,
  address: `https://127.0.0.1:${await listen(secure(good, answer))}`,
  self: `https://localhost:${await listen(secure(makeCertificate('self', { names: ['localhost'] }), leak))}`,
  strangers: `https://localhost:${await listen(secure(makeCertificate('strangers', { names: ['localhost'], issuer: stranger }), leak))}`,
  expired: `https://localhost:${await listen(secure(makeCertificate('expired', { names: ['localhost'], issuer: authority, from: new Date(Date.now() - 2 * dayMs), to: new Date(Date.now() - dayMs) }), leak))}`,
  early: `https://localhost:${await listen(secure(makeCertificate('early', { names: ['localhost'], issuer: authority, from: new Date(Date.now() + dayMs), to: new Date(Date.now() + 2 * dayMs) }), leak))}`,
  misnamed: `https://localhost:${await listen(secure(makeCertificate('misnamed', { names: ['elsewhere.test'], issuer: authority }), leak))}`,
  // Its sessions come before the client has judged the certificate.
  older: `https://localhost:${await listen(secure(makeCertificate('older', { names: ['elsewhere.test'], issuer: authority }), leak, 'TLSv1.2'))}`,
  plain: `https://localhost:${await listen(createPlainServer(leak))}`,
  silent: `https://localhost:${await listen(createSilentServer())}`,
  closing: `https://localhost:${await listen(createSilentServer(socket => { socket.on('error', () => {}).resume().end() }))}`,
  secure: `http://localhost:${await listen(secure(good, leak))}`,
}
const upstreams: Record<string, string> = {
  ...Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, `targets: ['${target}'], connectTimeout: 2s, retries: 0`])),
  mixed: `targets: ['${targets.named}', '${targets.expired}'], retries: 1`,
}
const gateways = await prepareGatewayProcesses(t, `
upstreams:
${Object.entries(upstreams).map(([name, settings]) => `  ${name}: { ${settings} }`).join('\n')}
routes:
${Object.keys(upstreams).map(name => `  - { id: ${name}, path: '/${name}/*', upstream: ${name} }
  - { id: ${name}-host, path: '/${name}/host/*', upstream: ${name}, preserveHost: true }`).join('\n')}
`)
const { url, cli } = await gateways.start(t, { NODE_EXTRA_CA_CERTS: authorityFile })
const { headers } = gateways

for (const [name, serverName] of [['named', 'localhost'], ['address', false]] as const) {
  t.test(`a good certificate serves requests and WebSockets: ${name}`, async t => {
    seen.length = 0
    for (let i = 0; i < 3; i++) t.match(await send(`${url}/${name}/${i}`, { method: 'POST', headers, body: 'hello' }), { status: 200, text: 'hello' })
    const client = await new WebSocketClient(t, `${url}/${name}/socket`, { headers }).opened()
    client.socket.send('to and fro')
    await until(() => client.texts.includes('to and fro'), 'the message came back')
    t.equal(seen.length, 4)
    for (const request of seen) t.match(request, { host: targets[name]!.replace('https://', ''), serverName })
    t.same(seen.map(({ isReused }) => isReused), [false, true, true, false], 'one connection for the requests, one for the WebSocket')
  })
}

t.test('with preserveHost, the name that is asked for and checked is the target\'s all the same', async t => {
  for (const name of ['named', 'address']) {
    seen.length = 0
    for (const host of ['one.test', 'two.test', 'elsewhere.test', 'localhost:1', '127.0.0.2', '[::1]:80']) {
      t.match(await askFor(host, name), { status: 200 }, `${name}: ${host}`)
    }
    t.same(seen.map(({ host }) => host), ['one.test', 'two.test', 'elsewhere.test', 'localhost:1', '127.0.0.2', '[::1]:80'])
    t.same([...new Set(seen.map(({ serverName }) => serverName))], [name === 'named' ? 'localhost' : false])
    t.equal(seen.filter(({ isReused }) => !isReused).length <= 1, true, 'on one connection')
  }
  for (const name of ['misnamed', 'older']) t.match(await askFor('elsewhere.test', name), { status: 502 }, name)
})

const failures: Record<string, RegExp> = {
  self: /self-signed certificate/,
  strangers: /unable to verify|unable to get/,
  expired: /certificate has expired/,
  early: /certificate is not yet valid/,
  misnamed: /ERR_TLS_CERT_ALTNAME_INVALID/,
  older: /ERR_TLS_CERT_ALTNAME_INVALID/,
  plain: /EPROTO|wrong version number|packet length/,
  silent: /Connect ?Timeout/i,
  closing: /before secure TLS connection was established|ECONNRESET|other side closed/,
  secure: /./,
}
t.test('whatever else answers gets nothing', async t => {
  await Promise.all(Object.entries(failures).map(async ([name, failure]) => {
    const expected = name === 'silent' ? { status: 504, code: 'upstream_timeout' } : { status: 502, code: 'upstream_unreachable' }
    // What waits for a time-out is tried once.
    const methods = name === 'silent' ? ['GET'] : ['GET', 'POST', 'GET']
    for (const method of methods) {
      const answer = await send(`${url}/${name}/${method}`, { method, headers, ...method === 'POST' ? { body: 'hello' } : {} })
      t.match(answer, expected, `${name}: ${method}`)
    }
    const { status } = await new WebSocketClient(t, `${url}/${name}/socket`, { headers }).refused()
    t.equal(status, expected.status, `${name}: WebSocket`)
    const lines = () => cli.stdout.split('\n').filter(line => line.includes(`"upstream":"${name}"`) && !line.includes('/host/'))
    await until(() => lines().length === methods.length + 1, 'all of them are in the log')
    for (const line of lines()) t.match(JSON.parse(line).failure, failure, `${name}: ${JSON.parse(line).failure}`)
  }))
  t.same(leaked, [])
  t.notOk(cli.stdout.includes(headers['x-api-key']), 'no key is in the log')
  t.match(await send(`${url}/named/after`, { headers }), { status: 200 })
})

// undici forgets them with the next garbage collection.
if (process.env.LATCHKEY_TEST_ENGINE !== 'http-proxy') {
  t.test('a further connection goes on with the session of one before', async t => {
    await send(`${url}/named/last`, { headers })
    seen.length = 0
    await send(`${url}/named/next`, { headers })
    t.match(seen, [{ isReused: false, isResumed: true }])
  })
}

t.test('what may be repeated is served by the other target, where there is one', async t => {
  for (let i = 0; i < 4; i++) t.match(await send(`${url}/mixed/${i}`, { headers }), { status: 200 })
  for (let i = 0; i < 2; i++) await new WebSocketClient(t, `${url}/mixed/socket`, { headers }).opened()
  t.same(leaked, [])
})

async function askFor (host: string, name: string): Promise<{ status: number }> {
  return await ask(url, { target: `/${name}/host/x`, headers: [`Host: ${host}`, `x-api-key: ${headers['x-api-key']}`] })
}

function answer (request: IncomingMessage, response: ServerResponse): void {
  note(request)
  if (request.url!.endsWith('/last')) response.setHeader('connection', 'close')
  request.pipe(response)
}

function note ({ url, headers, socket }: IncomingMessage): void {
  const isReused = sockets.has(socket)
  sockets.add(socket)
  const { servername } = socket as TLSSocket & { servername: string | false }
  seen.push({ url: url!, host: headers.host!, serverName: servername, isReused, isResumed: (socket as TLSSocket).isSessionReused() })
}

function leak (request: IncomingMessage, response: ServerResponse): void {
  leaked.push(`${request.method} ${request.url}`)
  response.end()
}

function secure (certificate: Certificate, listener: (request: IncomingMessage, response: ServerResponse) => void, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): SecureServer {
  const server = createServer({ ...certificate, maxVersion }, listener)
  const webSockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (listener === leak) leaked.push(`upgrade ${request.url}`)
    else note(request)
    webSockets.handleUpgrade(request, socket, head, webSocket => webSocket.on('message', data => webSocket.send(String(data))))
  })
  return server
}

async function listen (server: Server): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => open.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => new Promise(resolve => {
    server.close(resolve)
    for (const socket of open) socket.destroy()
  }))
  return (server.address() as AddressInfo).port
}
