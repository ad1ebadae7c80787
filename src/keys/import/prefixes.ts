import type { KeysConfig } from '../../config/config.ts'
import { redactKeys } from '../format.ts'

export type RowRules = Pick<KeysConfig, 'brand' | 'environments'>

/** The width of the key_prefix column. */
const prefixCharsMax = 20

/** What keeps a text from being the beginning of keys that this gateway could admit; null: nothing. Without the text. */
export function prefixFault (text: string, { brand, environments }: RowRules): string | null {
  if (text.length > prefixCharsMax) return `is longer than ${prefixCharsMax} characters: does a key itself stand there?`
  if (redactKeys(text) !== text) return 'seems to hold more of a key than its beginning'
  const shown = shownPrefix(text)
  if (shown === '' || !/^[!-~]+$/.test(shown)) return "must be the beginning of the key's text, in printable ASCII without spaces"
  const environment = environmentIn(text, brand)
  return environment === null || environments.includes(environment)
    ? null
    : `is that of keys for an environment that the configuration does not admit: ${environments.join(', ')} are`
}

/** Without the dots of a display, as keys are looked for. */
export function shownPrefix (prefix: string): string {
  return prefix.replace(/\.+$/, '')
}

/** What every key that begins so is for, if it is of this brand; null: that isn't told by the prefix. */
export function environmentIn (prefix: string, brand: string): string | null {
  const [, ofBrand, environment = null] = /^([a-z0-9]+)_([a-z0-9]+)_[!-~]/.exec(shownPrefix(prefix)) ?? []
  return ofBrand === brand ? environment : null
}

/** Whether a key of this gateway's own making would be shown so. */
export function isOwnPrefix (prefix: string, { brand, environments }: RowRules): boolean {
  const environment = environmentIn(prefix, brand)
  return environment !== null && environments.includes(environment) && /^[0-9A-Za-z]{4}$/.test(prefix.slice(brand.length + environment.length + 2))
}
