import type { UserStore } from './user-store.ts'

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const email = /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u

export function isUserId (text: string): boolean {
  return uuid.test(text)
}

export function isEmail (text: string): boolean {
  return email.test(text)
}

/** Turns what a person types for a user into the UUID that keys refer to, and adds users where they are ours to add. */
export class UserDirectory {
  readonly #store: UserStore
  readonly #errorOf: (message: string) => Error

  constructor (store: UserStore, errorOf: (message: string) => Error) {
    this.#store = store
    this.#errorOf = errorOf
  }

  /** An unknown email is added on our own auth.users. A UUID is taken as it is: the foreign key checks it. */
  async idFor (user: string): Promise<string> {
    const found = await this.#find(user)
    if (found !== null) return found
    await this.#demandOurs(`the email ${user}`)
    await this.#store.create({ email: user })
    return this.existingIdFor(user)
  }

  async existingIdFor (user: string): Promise<string> {
    const found = await this.#find(user)
    if (found === null) throw this.#errorOf(`No user has the email ${user}`)
    return found
  }

  /** For a UUID that the foreign key refused. */
  async add (userId: string): Promise<void> {
    await this.#demandOurs(`the id ${userId}`)
    await this.#store.create({ id: userId })
  }

  async #find (user: string): Promise<string | null> {
    if (isUserId(user)) return user.toLowerCase()
    if (!isEmail(user)) throw this.#errorOf(`${JSON.stringify(user)} is neither the UUID of a user nor an email`)
    const ids = await this.#store.idsByEmail(user)
    if (ids.length > 1) throw this.#errorOf(`More than one user has the email ${user}: give the user's UUID`)
    return ids[0] ?? null
  }

  async #demandOurs (who: string): Promise<void> {
    if (await this.#store.isOurs()) return
    throw this.#errorOf(`No user has ${who}. These users are managed by Supabase Auth, or by whatever else made auth.users: add the user there first, then make the key`)
  }
}
