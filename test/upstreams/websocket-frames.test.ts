import t from 'tap'
import { closeFrame, FrameTracker } from '../../src/upstreams/websocket-frames.ts'

interface Sent {
  readonly bytes: Buffer
  /** Where each frame ends. */
  readonly ends: readonly number[]
}

const lengths = [0, 1, 2, 125, 126, 127, 300, 65_535, 65_536, 70_000]

function frameOf (opcode: number, length: number, isMasked: boolean): Buffer {
  const size = length < 126 ? Buffer.from([length]) : length < 65_536 ? Buffer.from([126, 0, 0]) : Buffer.from([127, 0, 0, 0, 0, 0, 0, 0, 0])
  if (size.length === 3) size.writeUInt16BE(length, 1)
  if (size.length === 9) size.writeUInt32BE(length, 5)
  if (isMasked) size[0]! |= 0x80
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, Buffer.alloc(isMasked ? 4 : 0, 0x55), Buffer.alloc(length, 0x88)])
}

function manyFrames (isMasked: boolean): Sent {
  const frames = lengths.flatMap(length => [frameOf(2, length, isMasked), frameOf(0, length, isMasked)])
  let end = 0
  return { bytes: Buffer.concat(frames), ends: frames.map(frame => (end += frame.length)) }
}

t.test('a boundary is seen exactly at the ends of frames, however the bytes are cut', async t => {
  for (const isMasked of [false, true]) {
    const { bytes, ends } = manyFrames(isMasked)
    for (const size of [1, 2, 3, 7, 64, 1_000, 65_536, bytes.length]) {
      const tracker = new FrameTracker()
      let wrong = 0
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size)
        if (tracker.take(chunk) !== chunk.length) wrong++
        if (tracker.isAtBoundary !== ends.includes(at + chunk.length)) wrong++
      }
      t.equal(wrong, 0, `pieces of ${size}, ${isMasked ? '' : 'not '}masked`)
      t.notOk(tracker.hasClosed)

      const stops: number[] = []
      const stopping = new FrameTracker()
      for (let at = 0; at < bytes.length;) {
        at += stopping.take(bytes.subarray(at, at + size), true)
        if (stopping.isAtBoundary) stops.push(at)
      }
      t.same(stops, ends, 'and asked to, it stops there')
    }
  }
})

t.test('a Close frame counts once it is whole', async t => {
  for (const isMasked of [false, true]) {
    const frame = closeFrame(1008, 'key revoked', { isMasked })
    t.equal(frame.length, isMasked ? 19 : 15)
    const tracker = new FrameTracker()
    tracker.take(frameOf(2, 8, isMasked))
    tracker.take(frame.subarray(0, -1))
    t.notOk(tracker.hasClosed || tracker.isAtBoundary)
    tracker.take(frame.subarray(-1))
    t.ok(tracker.hasClosed && tracker.isAtBoundary)
  }
})
