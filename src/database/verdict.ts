/** One check of the database and its outcome. */
export interface Verdict {
  /** What was looked at, such as `index idx_api_keys_user_id`. */
  readonly name: string
  readonly ok: boolean
  /** What was found; what to do about it where it isn't ok. */
  readonly detail: string
}

/** Without a fault it is ok, with `found` as its detail. */
export function verdict (name: string, fault: string | null, found = ''): Verdict {
  return { name, ok: fault === null, detail: fault ?? found }
}
