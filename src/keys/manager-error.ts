import { UsageError } from '../errors.ts'

/** What the manager refuses: `invalid` is wrong in what was asked, the others are about the key as it is. */
export type KeyFault = 'invalid' | 'not_found' | 'revoked' | 'expired' | 'changed'

/** What a person can mend: a wrong user, scope, date or id, or a key in another state than was thought. The message says how. */
export class KeyManagerError extends UsageError {
  readonly fault: KeyFault
  /** Of what was asked, where one is to blame. */
  readonly field: string | null

  constructor (message: string, { fault = 'invalid', field = null }: { readonly fault?: KeyFault, readonly field?: string | null } = {}) {
    super(message)
    this.fault = fault
    this.field = field
  }
}
