import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { FuzzCase } from './generator.ts'

export interface Delivery {
  /** All that came back (latin1). */
  readonly text: string
  /** The gateway closed its side, too, or reset the connection. */
  readonly isClosed: boolean
}

/** A patient client has its answers when nothing came for so long. Where a slow machine makes that wrong, a case says less. */
const quietMs = 50

/** Writes a case to the listener, and waits until the connection has ended. */
export async function deliver (port: number, { pieces, end }: FuzzCase, boundMs: number): Promise<Delivery> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const state = { text: '', hasEnded: false, lastMs: 0 }
  socket.setEncoding('latin1').on('data', (part: string) => {
    state.text += part
    state.lastMs = Date.now()
  })
  socket.on('error', () => { state.hasEnded = true }).on('end', () => { state.hasEnded = true })
  const closed = once(socket, 'close').catch(() => {})
  await once(socket, 'connect').catch(() => {})
  for (const piece of pieces) {
    if (socket.destroyed) break
    socket.write(piece)
    await turn()
  }
  if (end === 'reset') {
    socket.resetAndDestroy()
    await closed
    return { text: state.text, isClosed: true }
  }
  if (end === 'patient') await quiet(state)
  socket.end()
  const timer = setTimeout(() => socket.destroy(), boundMs)
  await closed
  clearTimeout(timer)
  return { text: state.text, isClosed: state.hasEnded }
}

async function quiet (state: { readonly hasEnded: boolean, lastMs: number }): Promise<void> {
  state.lastMs = Date.now()
  while (!state.hasEnded && Date.now() - state.lastMs < quietMs) await delay(5)
}
