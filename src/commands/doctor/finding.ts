/** One line of the doctor's report. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do about it; null when all is well. */
  readonly remedy: string | null
}

export function ok (check: string, detail: string): Finding {
  return { check, status: 'ok', detail, remedy: null }
}

/** It works, but not as well, or not for ever. */
export function warn (check: string, detail: string, remedy: string): Finding {
  return { check, status: 'warn', detail, remedy }
}

/** The gateway cannot do its work so. */
export function fail (check: string, detail: string, remedy: string): Finding {
  return { check, status: 'fail', detail, remedy }
}
