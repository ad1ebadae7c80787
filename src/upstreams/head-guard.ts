import type { Socket } from 'node:net'
import { BadAnswerError } from './failure.ts'

/** An interim answer, and the head of an HTTP/1.0 one, must have ended after so much. */
const heldBytesMax = 16_384
/** `HTTP/1.1 200`, what is needed to judge an answer. */
const statusBytes = 12
const headEnd = '\r\n\r\n'
const zero = 48
const one = 49
const space = 32
const carriageReturn = 13

/**
 * Stands before undici's parser on a connection to an upstream and looks at how each answer begins, for what the
 * parser takes and a gateway must not (it reads RTSP and any HTTP/2.0 as HTTP/1.1, and never tells the version), or
 * what the parser can't take (a 100 that nobody asked for ends its connection, RFC 9110, 15.2 wants it left out).
 *
 * Interim answers (1xx) are left out altogether, so that they can't put off the time-out for headers either; 101
 * remains, which undici refuses unless it was asked for. An HTTP/1.0 answer with a Transfer-Encoding is framed
 * wrongly (RFC 9112, 6.1). Costs a look at nine bytes an answer.
 */
export function guardHeads (socket: Socket): void {
  const read = socket.read
  const write = socket.write
  let isHeadDue = false
  let held: Buffer | null = null

  // To undici a reset behind an answer without a length is its end (RFC 9112, 8: it is incomplete). Heard before undici.
  socket.on('error', (err: NodeJS.ErrnoException) => { if (err.code === 'ECONNRESET') err.code = 'UND_ERR_SOCKET' })

  // undici writes heads, and what frames chunks, as text; and one request at a time.
  socket.write = function (this: Socket, ...args: unknown[]): boolean {
    const [piece] = args
    if (typeof piece === 'string' && piece.charCodeAt(0) !== carriageReturn) isHeadDue = true
    return Reflect.apply(write, this, args) as boolean
  } as Socket['write']

  socket.read = function (this: Socket, size?: number): Buffer | null {
    const bytes = Reflect.apply(read, this, [size]) as Buffer | null
    if (!isHeadDue || bytes === null) return bytes
    return judge(held === null ? bytes : Buffer.concat([held, bytes]))
  }

  /** What of the bytes, which begin an answer, the parser may have by now. */
  function judge (bytes: Buffer): Buffer | null {
    for (;;) {
      const fault = faultOf(bytes)
      if (fault !== null) return fail(fault)
      if (bytes.length < statusBytes) return hold(bytes)
      const isInterim = bytes[9] === one && bytes.toString('latin1', 9, statusBytes) !== '101'
      const isOld = bytes[7] === zero
      if (!isInterim && !isOld) return pass(bytes)
      const end = bytes.indexOf(headEnd)
      if ((end === -1 ? bytes.length : end) > heldBytesMax) return fail('an endless head')
      if (end === -1) return hold(bytes)
      if (!isInterim) return hasTransferEncoding(bytes, end) ? fail('HTTP/1.0 with a Transfer-Encoding') : pass(bytes)
      bytes = bytes.subarray(end + headEnd.length)
      if (bytes.length === 0) return hold(null)
    }
  }

  function pass (bytes: Buffer): Buffer {
    isHeadDue = false
    held = null
    return bytes
  }

  function hold (bytes: Buffer | null): null {
    held = bytes
    return null
  }

  function fail (fault: string): null {
    held = null
    socket.destroy(new BadAnswerError(fault))
    return null
  }
}

const version = Buffer.from('HTTP/1.')

function faultOf (bytes: Buffer): string | null {
  const known = Math.min(bytes.length, version.length)
  if (bytes.compare(version, 0, known, 0, known) !== 0) return 'no HTTP/1 status line'
  if (bytes.length > 7 && bytes[7] !== zero && bytes[7] !== one) return 'an unknown version of HTTP/1'
  if (bytes.length > 8 && bytes[8] !== space) return 'an invalid status line'
  return null
}

function hasTransferEncoding (bytes: Buffer, end: number): boolean {
  return /\r\ntransfer-encoding[ \t]*:/i.test(bytes.toString('latin1', 0, end))
}
