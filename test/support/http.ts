import { connect } from 'node:net'
import { request as undiciRequest } from 'undici'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  /** The problem's code, where the body is one. */
  readonly code: string | undefined
}

/** One request, its answer read to the end. */
export async function send (url: string, { method = 'GET', headers = {}, body }: { method?: string, headers?: Record<string, string | string[]>, body?: string | Buffer } = {}): Promise<Answer> {
  const response = await undiciRequest(url, { method: method as 'GET', headers, body: body ?? null })
  const text = await response.body.text()
  const isProblem = text !== '' && String(response.headers['content-type']).startsWith('application/problem+json')
  return { status: response.statusCode, headers: response.headers, text, code: isProblem ? String(JSON.parse(text).code) : undefined }
}

/** Writes bytes as they are to a listener and resolves with all that came back when the other side has closed. */
export async function sendRaw (url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.on('data', chunk => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.setTimeout(20_000, () => socket.destroy(new Error('the other side kept the connection open')))
  })
}
