import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import { readStrictly, type StrictRequest } from './strict-request.ts'

export interface StrictUpstream {
  readonly url: string
}

/**
 * An upstream that reads what comes byte for byte. `seen` is called for each request once its head is there, and
 * `wrong` for whatever isn't strictly one.
 */
export async function startStrictUpstream (t: Test, seen: (request: StrictRequest) => void, wrong: (what: string) => void): Promise<StrictUpstream> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.setEncoding('latin1').on('error', () => {}).on('close', () => sockets.delete(socket))
    let text = ''
    let isSeen = false
    socket.on('data', (part: string) => {
      text += part
      try {
        for (let request = readStrictly(text); request !== null; request = readStrictly(text)) {
          if (!isSeen) seen(request)
          isSeen = request.end === null
          if (request.end === null) return
          text = text.slice(request.end)
          socket.write(answerTo(request))
        }
      } catch (err) {
        wrong(`${(err as Error).message} in ${JSON.stringify(text.slice(0, 3000))}`)
        socket.destroy()
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.close(() => resolve(undefined))
    for (const socket of sockets) socket.destroy()
  }))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const body = 'served by the upstream'

function answerTo ({ method, target }: StrictRequest): string {
  const isChunked = target.length % 2 === 0
  const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`
  const head = `HTTP/1.1 200 OK\r\nx-from: upstream\r\n${framing}\r\n\r\n`
  if (method === 'HEAD') return head
  return head + (isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body)
}
