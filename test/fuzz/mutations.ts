import type { Dice } from './dice.ts'

const specials = ['\r', '\n', '\r\n', '\n\n', '\r\n\r\n', '\0', ':', ' ', '\t', ';', ',', '%', '/', '\\', '#', '?', '"', '\x0b', '\x0c', '\x7f', '\x80', '\xff', '\xa0', '\x85', '0', '-', '*']

/** A text (latin1) with one thing wrong in it, or none that matters. */
export function mutate (dice: Dice, text: string): string {
  const at = dice.below(text.length + 1)
  switch (dice.below(16)) {
    case 0: case 1: return text.slice(0, at) + dice.pick(specials) + text.slice(at)
    case 2: return text.slice(0, at) + dice.pick(specials) + text.slice(at + 1)
    case 3: return flipped(text, Math.min(at, text.length - 1), 1 << dice.below(8))
    case 4: return text.slice(0, at) + text.slice(at + 1 + dice.below(12))
    case 5: return text.slice(0, at) + text.slice(at, at + 1 + dice.below(40)) + text.slice(at)
    case 6: return withLines(text, lines => lines.splice(dice.below(lines.length), 1))
    case 7: return withLines(text, lines => lines.splice(dice.below(lines.length), 0, dice.pick(lines)))
    case 8: return withLines(text, lines => lines.push(...lines.splice(dice.below(lines.length), 1)))
    case 9: return withLines(text, lines => lines.splice(dice.below(lines.length), 0, dice.pick([' ', '\t', '', ' : ', '\r'])))
    case 10: return text.slice(0, at)
    case 11: return text.replaceAll('\r\n', dice.pick(['\n', '\r', '\r\r\n', '\r\n']))
    case 12: return replaceOne(dice, text, /[0-9]+/g, ['0', '00', '1', '4294967296', '99999999999999999999', '-1', '0x10', '1e3', '7fffffff'])
    case 13: return replaceOne(dice, text, /: /g, [':', ' : ', '\t:', ':\t', ':  ', ':\0', '\n: '])
    case 14: return replaceOne(dice, text, /[A-Za-z-]+(?=:)/g, ['', 'Host', 'Content-Length', 'Transfer-Encoding', 'X-Api-Key', 'x_api_key', 'Connection', 'Authorization', 'X-Latchkey-Key-Id', 'a b', '\xe9'])
    default: return text.slice(0, at) + dice.bytes(dice.below(20)).toString('latin1') + text.slice(at)
  }
}

function flipped (text: string, at: number, bit: number): string {
  return text === '' ? text : text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1)
}

function withLines (text: string, change: (lines: string[]) => void): string {
  const lines = text.split('\r\n')
  change(lines)
  return lines.join('\r\n')
}

function replaceOne (dice: Dice, text: string, pattern: RegExp, replacements: readonly string[]): string {
  const found = [...text.matchAll(pattern)]
  if (found.length === 0) return text
  const { 0: match, index } = dice.pick(found)
  return text.slice(0, index) + dice.pick(replacements) + text.slice(index + match.length)
}
