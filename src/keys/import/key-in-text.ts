import { redactKeys } from '../format.ts'

/** A prefix of fewer characters may be the beginning of any word. */
const prefixCharsMin = 4
const secretCharsMin = 8
const changesMin = 3

/** Whether a key itself seems to stand in the text: by its shape, or since it begins as its row says and goes on. */
export function holdsKey (text: string, prefix: string | null): boolean {
  if (redactKeys(text) !== text) return true
  if (prefix === null || prefix.length < prefixCharsMin) return false
  for (let at = text.indexOf(prefix); at !== -1; at = text.indexOf(prefix, at + 1)) {
    const rest = /^[\w-]*/.exec(text.slice(at + prefix.length, at + prefix.length + 80))?.[0] ?? ''
    if (rest.length >= secretCharsMin && looksRandom(rest)) return true
  }
  return false
}

/** Words, and even a year behind them, change less often between small and capital letters and digits. */
function looksRandom (text: string): boolean {
  let changes = 0
  for (let i = 1; i < text.length; i++) {
    const [before, kind] = [kindOf(text.charAt(i - 1)), kindOf(text.charAt(i))]
    if (before !== null && kind !== null && before !== kind) changes++
  }
  return changes >= changesMin
}

function kindOf (character: string): string | null {
  return /[a-z]/.test(character) ? 'small' : /[A-Z]/.test(character) ? 'capital' : /\d/.test(character) ? 'digit' : null
}
