import { redactKeys } from '../format.ts'

/** A prefix of fewer characters may be the beginning of any word. */
const prefixCharsMin = 4
const secretCharsMin = 8

/** Whether a key itself seems to stand in the text: by its shape, or since it begins as its row says and goes on. */
export function holdsKey (text: string, prefix: string | null): boolean {
  if (redactKeys(text) !== text) return true
  if (prefix === null || prefix.length < prefixCharsMin) return false
  for (let at = text.indexOf(prefix); at !== -1; at = text.indexOf(prefix, at + 1)) {
    const rest = /^[!#-&(-+\--~]*/.exec(text.slice(at + prefix.length, at + prefix.length + 80))?.[0] ?? ''
    if (rest.replace(/^\.+/, '').length >= secretCharsMin) return true
  }
  return false
}
