import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * A proxy in front of Postgres that, while `isHolding`, passes questions on and keeps the answers: what a query read
 * is then older than what happened since. `release` lets the answers go.
 */
export async function holdAnswers (t: Test, url: string) {
  const held: (() => void)[] = []
  const sockets = new Set<Socket>()
  const target = new URL(url)
  const { hostname, port } = target
  const state = {
    isHolding: false,
    get heldAnswers () { return held.length },
    url: '',
    release () {
      state.isHolding = false
      for (const deliver of held.splice(0)) deliver()
    },
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      if (state.isHolding) held.push(() => client.write(chunk))
      else client.write(chunk)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  target.port = String((server.address() as AddressInfo).port)
  target.hostname = '127.0.0.1'
  state.url = target.href
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return state
}
