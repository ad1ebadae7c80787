import { isUserId } from '../user-directory.ts'
import type { ImportFault } from './faults.ts'
import type { ImportedRow, ImportStore, UserRights } from './import-store.ts'
import type { CheckedRow } from './row-checks.ts'

/** What UserDirectory does for one key, for many at once: the UUIDs of their users, whom it adds where they are ours to add. */
export class UserResolver {
  readonly #store: ImportStore
  readonly #rights: UserRights

  constructor (store: ImportStore, rights: UserRights) {
    this.#store = store
    this.#rights = rights
  }

  async resolve (rows: readonly CheckedRow[], { adds }: { readonly adds: boolean }): Promise<{ rows: ImportedRow[], faults: ImportFault[] }> {
    const ids = [...new Set(rows.map(({ user }) => user).filter(isUserId))]
    const emails = [...new Set(rows.map(({ user }) => user).filter((user) => !isUserId(user)))]
    const missingIds = await this.#missing(ids)
    const byEmail = await this.#byEmail(emails)
    const missingEmails = emails.filter((email) => !byEmail.has(email))
    const { isOurs, readsEmails } = this.#rights
    if (isOurs && adds && (missingIds.size > 0 || (readsEmails && missingEmails.length > 0))) {
      await this.#store.addUsers({ ids: [...missingIds], emails: readsEmails ? missingEmails : [] })
      for (const [email, id] of await this.#byEmail(missingEmails)) byEmail.set(email, id)
    }
    const faults: ImportFault[] = []
    const resolved: ImportedRow[] = []
    for (const row of rows) {
      const detail = this.#faultOf(row.user, missingIds, byEmail)
      if (detail !== null) faults.push({ line: row.line, field: 'userId', detail })
      // Who isn't added is of no use, but for the checks.
      else resolved.push({ ...row, userId: byEmail.get(row.user) ?? row.user })
    }
    return { rows: resolved, faults }
  }

  #faultOf (user: string, missingIds: ReadonlySet<string>, byEmail: ReadonlyMap<string, string | null>): string | null {
    const { isOurs, readsEmails } = this.#rights
    if (isUserId(user)) return missingIds.has(user) && !isOurs ? `no user has this id. ${elsewhere}` : null
    if (!readsEmails) return 'the role in DATABASE_URL may not look up emails: give the UUID of the user'
    if (byEmail.get(user) === null) return "more than one user has this email: give the user's UUID"
    return !byEmail.has(user) && !isOurs ? `no user has this email. ${elsewhere}` : null
  }

  /** None where that can't be told: the foreign key will. */
  async #missing (ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { readsIds, hidesRows } = this.#rights
    if (ids.length === 0 || !readsIds || hidesRows) return new Set()
    const existing = await this.#store.existingIds(ids)
    return new Set(ids.filter((id) => !existing.has(id)))
  }

  async #byEmail (emails: readonly string[]): Promise<Map<string, string | null>> {
    return emails.length === 0 || !this.#rights.readsEmails ? new Map() : await this.#store.idsByEmail(emails)
  }
}

const elsewhere = 'Users are managed by Supabase Auth, or by whatever else made auth.users: add the user there first'
