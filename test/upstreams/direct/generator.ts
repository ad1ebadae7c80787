import { Dice } from '../../fuzz/dice.ts'
import { mutate } from '../../fuzz/mutations.ts'
import { corpus } from './corpus.ts'
import type { Answer } from './outcome.ts'

const statusLines = ['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.0 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 205 Reset', 'HTTP/1.1 500', 'HTTP/1.1 103 Early', 'HTTP/1.1 101 Switching']
const lines = ['Content-Type: text/plain', 'content-type: text/html', 'Connection: keep-alive', 'Connection: close', 'Connection: x-a, keep-alive', 'X-A: 1', 'x-a:2', 'Server: x', 'server: y', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Keep-Alive: timeout=9', 'Upgrade: x', 'Connection: upgrade', '__proto__: 1', 'Trailer: X-A', 'Date: now', 'Proxy-Connection: close']
const framings = ['Content-Length: 2', 'Content-Length: 02', 'Content-Length: 5', 'Content-Length: 0', 'Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked ', 'Transfer-Encoding: gzip, chunked']
const bodies = ['ok', 'hello', '', '2\r\nok\r\n0\r\n\r\n', '1;a=b\r\nx\r\n0\r\nX-T: 1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']

/** An answer, good or hostile, and where its bytes are split. All that is random comes from seed and index. */
export function makeAnswer (seed: number, index: number): { readonly answer: Answer, readonly offsets: readonly number[] } {
  const dice = new Dice(seed, index)
  let text = dice.chance(0.5) ? dice.pick(corpus).text : compose(dice)
  for (let mutations = dice.below(3); mutations > 0; mutations--) text = dice.chance(0.5) ? mutateHead(dice, text) : mutate(dice, text)
  const offsets = [...new Set(Array.from({ length: dice.below(4) }, () => dice.below(text.length + 1)))].sort((a, b) => a - b)
  return { answer: { text, isHead: dice.chance(0.15), isEnded: dice.chance(0.7) }, offsets }
}

function compose (dice: Dice): string {
  const head = [dice.pick(statusLines), ...dice.some(lines, 5)]
  if (dice.chance(0.9)) head.splice(1 + dice.below(head.length), 0, dice.pick(framings))
  if (dice.chance(0.1)) head.splice(1 + dice.below(head.length), 0, dice.pick(framings))
  return [...head, '', dice.pick(bodies)].join('\r\n') + (dice.chance(0.1) ? compose(dice) : '')
}

function mutateHead (dice: Dice, text: string): string {
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? mutate(dice, text) : mutate(dice, text.slice(0, end + 2)) + text.slice(end + 2)
}
