/** A target of the upstream, as a process of its own: answers with what it received, and tells the run of it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Echo, Sighting } from './exchange.ts'

export type TargetOrder = { readonly isResetting: boolean }
export type TargetNews = { readonly port: number } | { readonly sighting: Sighting }

const [name = '', port = '0'] = process.argv.slice(2)
const answerWithinMs = 30
let isResetting = false
let turn = 0

const server = createServer((request, response) => {
  const headers = request.headers
  const sighting: Sighting = {
    target: name,
    requestId: String(headers['x-request-id']),
    method: request.method ?? '',
    path: request.url ?? '',
    keyId: one(headers['x-latchkey-key-id']),
    userId: one(headers['x-latchkey-user-id']),
    scopes: one(headers['x-latchkey-scopes']),
    keysIn: Object.keys(headers).filter(header => /sk_(live|test)_/.test(String(headers[header]))),
  }
  tell({ sighting })
  if (isResetting) {
    request.socket.resetAndDestroy()
    return
  }
  let bodyBytes = 0
  request.on('data', (chunk: Buffer) => { bodyBytes += chunk.length })
  request.on('end', () => {
    const echo: Echo = { ...sighting, bodyBytes }
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(echo))
    }, turn++ % answerWithinMs)
  })
})
server.listen(Number(port), '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }))
process.on('message', (order: TargetOrder) => { isResetting = order.isResetting })
process.on('disconnect', () => process.exit(0))

function tell (news: TargetNews): void {
  process.send?.(news)
}

function one (value: string | string[] | undefined): string | null {
  return value === undefined ? null : String(value)
}
