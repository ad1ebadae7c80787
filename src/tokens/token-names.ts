import { UsageError } from '../errors.ts'
import { tokenBrand } from './format.ts'

/** What the environment's token is called, in the audit log and elsewhere. */
export const environmentTokenName = 'LATCHKEY_ADMIN_TOKEN'

const charsMax = 255

/** What will be stored; throws UsageError. */
export function checkedTokenName (name: string): string {
  const trimmed = name.trim()
  if (trimmed === '' || [...trimmed].length > charsMax || /\p{Cc}/u.test(trimmed)) {
    throw new UsageError(`name must have 1 to ${charsMax} characters, without control characters`)
  }
  // The audit log couldn't tell them apart.
  if (trimmed === environmentTokenName) throw new UsageError(`${environmentTokenName} is what the environment's token is called: choose another name`)
  // It is taken for a prefix elsewhere, and may be a token that was pasted by mistake.
  if (trimmed.includes(tokenBrand)) throw new UsageError(`A name must not hold ${tokenBrand}, with which tokens begin`)
  return trimmed
}
