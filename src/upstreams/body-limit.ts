import { Transform, type TransformCallback } from 'node:stream'
import { BodyTooLargeError } from './failure.ts'

/**
 * Passes a body on and fails once it has grown over its bound. Only bodies without a Content-Length need it:
 * with one, the size is known before the first byte and node:http holds the client to it.
 */
export class BodyLimit extends Transform {
  #bytesLeft: number

  constructor (bodyBytesMax: number) {
    super()
    this.#bytesLeft = bodyBytesMax
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#bytesLeft -= chunk.length
    if (this.#bytesLeft < 0) callback(new BodyTooLargeError('request body too large'))
    else callback(null, chunk)
  }
}
