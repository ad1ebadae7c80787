import { redactKeys } from '../format.ts'

/** A prefix of fewer characters may be the beginning of any word. */
const prefixCharsMin = 4
const secretCharsMin = 8
const changesMin = 3
/** Who wrote the same word more often hasn't pasted a key by mistake, and would hold up all others. */
const placesMax = 1_000

/** Whether a key itself seems to stand in the text: by its shape, or since it begins as its row says and goes on. */
export function holdsKey (text: string, prefix: string | null): boolean {
  if (redactKeys(text) !== text) return true
  if (prefix === null || prefix.length < prefixCharsMin) return false
  for (let at = text.indexOf(prefix), places = 0; at !== -1 && places < placesMax; at = text.indexOf(prefix, at + 1), places++) {
    const rest = /^[\w-]*/.exec(text.slice(at + prefix.length, at + prefix.length + 80))?.[0] ?? ''
    if (rest.length >= secretCharsMin && looksRandom(rest)) return true
  }
  return false
}

/** Words, and even a year behind them, change less often between small and capital letters and digits. */
function looksRandom (text: string): boolean {
  let changes = 0
  for (let i = 1; i < text.length; i++) {
    const before = kindOf(text.charCodeAt(i - 1))
    const kind = kindOf(text.charCodeAt(i))
    if (before !== null && kind !== null && before !== kind) changes++
  }
  return changes >= changesMin
}

function kindOf (code: number): 'small' | 'capital' | 'digit' | null {
  return code >= 97 && code <= 122 ? 'small' : code >= 65 && code <= 90 ? 'capital' : code >= 48 && code <= 57 ? 'digit' : null
}
