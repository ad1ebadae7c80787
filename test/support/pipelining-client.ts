import { connect } from 'node:net'

const batchSize = 4

export interface PipelinedBatch {
  /** Ids of the requests that got a complete answer of 200. */
  readonly answered: string[]
  /** null: nothing went wrong. Requests behind an answer that announces the end of the connection aren't failed: they were not begun. */
  readonly failure: string | null
  readonly isRefused: boolean
}

/**
 * A client that sends several requests at a time over one connection, until that ends. Answers must have a
 * Content-Length. `nextId` names the requests.
 */
export async function pipelineUntilClosed (url: string, headers: Readonly<Record<string, string>>, nextId: () => string): Promise<PipelinedBatch> {
  const { hostname, port, host } = new URL(url)
  return await new Promise(resolve => {
    const answered: string[] = []
    const asked: string[] = []
    let failure: string | null = null
    let received = Buffer.alloc(0)
    let isEnding = false
    const socket = connect(Number(port), hostname, ask)

    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      for (let answer = firstAnswer(received); answer !== null; answer = firstAnswer(received)) {
        received = received.subarray(answer.bytes)
        const id = asked.shift()
        if (id === undefined || answer.requestId !== id) failure ??= `the answer to ${answer.requestId} came for ${id}`
        else if (answer.status === 200) answered.push(id)
        else failure ??= `${id}: answered ${answer.status}`
        isEnding ||= answer.isLast
      }
      if (asked.length === 0 && !isEnding && failure === null) ask()
      else if (failure !== null) socket.destroy()
    })
    let error: NodeJS.ErrnoException | null = null
    socket.on('error', err => { error = err })
    socket.on('close', () => {
      const isRefused = error?.code === 'ECONNREFUSED'
      if (!isEnding && !isRefused) failure ??= `${asked.join(', ')}: ${error?.code ?? 'closed'}, with ${received.length} bytes of an answer`
      resolve({ answered, failure, isRefused })
    })

    function ask (): void {
      for (let i = 0; i < batchSize; i++) asked.push(nextId())
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
      socket.write(asked.map(id => `GET ${new URL(url).pathname} HTTP/1.1\r\nHost: ${host}\r\n${lines}X-Request-Id: ${id}\r\n\r\n`).join(''))
    }
  })
}

function firstAnswer (received: Buffer): { bytes: number, status: number, requestId: string | undefined, isLast: boolean } | null {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = received.toString('latin1', 0, headEnd)
  const bytes = headEnd + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1])
  if (!(received.length >= bytes)) return null
  return { bytes, status: Number(head.split(' ')[1]), requestId: /^x-request-id: (.*)$/im.exec(head)?.[1], isLast: /^connection: close/im.test(head) }
}
