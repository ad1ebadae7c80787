import { connect, type Socket } from 'node:net'
import { generateKey } from '../../src/keys/format.ts'
import { until } from './until.ts'

// Run as a process of its own: node attacker.ts <attack> <url> <number> <key>. Prints `attacking` once all its
// connections are open, and at SIGTERM a line of JSON: what it sent and what came back.

const [attack = '', url = '', number = '', key = ''] = process.argv.slice(2)
const { hostname, port, host } = new URL(url)
const count = Number(number)
const floodConnections = 500
const totals = { sent: 0, answered: 0, statuses: {} as Record<string, number>, reconnects: 0 }
const open = new Set<Socket>()

/** Opened again, with the same behaviour, whenever the other side closes it. */
function attacker (begin: (socket: Socket) => void): void {
  const socket = connect(Number(port), hostname, () => {
    open.add(socket)
    begin(socket)
  })
  socket.on('error', () => {})
  socket.once('close', () => {
    open.delete(socket)
    totals.reconnects++
    setTimeout(() => attacker(begin), 100)
  })
}

function trickle (socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 500 + Math.random() * 500)
  socket.once('close', () => clearInterval(timer))
}

function head (method: string, path: string, ...lines: string[]): string {
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines, ''].join('\r\n')
}

const attacks: Record<string, () => void> = {
  'slow-heads': () => many(socket => {
    socket.write(head('GET', '/', 'x-slow: '))
    trickle(socket, 'a')
  }),
  'slow-bodies': () => many(socket => {
    socket.resume().write(`${head('POST', '/', `x-api-key: ${key}`, 'content-length: 100000')}\r\n`)
    trickle(socket, 'a')
  }),
  'never-read': () => many(socket => {
    socket.pause().write(`${head('GET', '/large', `x-api-key: ${key}`)}\r\n`)
    totals.sent++
  }),
  junk: () => flood(() => `sk_live_${Math.random().toString(36).slice(2).padEnd(38, '0').slice(0, 38)}`),
  unknown: () => flood(() => generateKey({ brand: 'sk', environment: 'live' })),
}

function many (begin: (socket: Socket) => void): void {
  for (let i = 0; i < count; i++) attacker(begin)
}

/** So many requests a second, over connections that each pipeline 16 at most. */
function flood (nextKey: () => string): void {
  const pipelineMax = 16
  const underWay = new Map<Socket, number>()
  for (let i = 0; i < floodConnections; i++) {
    attacker(socket => {
      underWay.set(socket, 0)
      socket.setEncoding('latin1').on('data', (text: string) => {
        for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
          totals.answered++
          totals.statuses[status!] = (totals.statuses[status!] ?? 0) + 1
          underWay.set(socket, underWay.get(socket)! - 1)
        }
      })
      socket.once('close', () => underWay.delete(socket))
    })
  }
  let due = 0
  setInterval(() => {
    due = Math.min(due + count / 100, count)
    for (const [socket, now] of underWay) {
      const size = Math.min(pipelineMax - now, Math.floor(due))
      if (size <= 0) continue
      let batch = ''
      for (let i = 0; i < size; i++) batch += `${head('GET', '/', `x-api-key: ${nextKey()}`)}\r\n`
      underWay.set(socket, now + size)
      totals.sent += size
      due -= size
      socket.write(batch)
    }
  }, 10)
}

process.once('SIGTERM', () => {
  console.log(JSON.stringify(totals))
  process.exit(0)
})
attacks[attack]!()
// Connections that nobody reads don't keep a process alive.
setInterval(() => {}, 60_000)
const connectionsMax = attack === 'junk' || attack === 'unknown' ? floodConnections : count
await until(() => open.size >= connectionsMax, `${connectionsMax} connections are open`, { timeoutMs: 50_000 })
console.log('attacking')
