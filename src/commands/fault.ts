import { CommanderError } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { UsageError } from '../errors.ts'
import { redact } from './redact.ts'

/** Thrown into a command that a signal ended; whoever held something has closed it by the time this arrives. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly exitCode: number

  constructor (signal: 'SIGINT' | 'SIGTERM') {
    super(`Interrupted by ${signal}.`)
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** A check that ran to its end and found something wrong; its result is printed already. */
export class CheckFailedError extends Error {
  override readonly name = 'CheckFailedError'
}

/**
 * Says on standard error what went wrong, and what to do about it, and returns the exit code: 2 for a bad command
 * line or configuration, 1 for what failed while running.
 */
export async function reportFault (err: unknown, isDebugging: boolean): Promise<number> {
  // Commander has printed its own message; help and version arrive here, too, with exit code 0.
  if (err instanceof CommanderError) return err.exitCode === 0 ? 0 : 2
  if (err instanceof CheckFailedError) return 1
  if (err instanceof InterruptedError) {
    complain(err.message)
    return err.exitCode
  }
  if (err instanceof UsageError) {
    // Faults of a file begin with their place, which editors and terminals make a link of.
    complain(err instanceof ConfigError ? err.message : `error: ${err.message}`)
  } else {
    complain(`error: ${messageOf(err)}`)
    const hint = await hintFor(err)
    if (hint !== null) complain(hint)
    if (!isDebugging) complain('LOG_LEVEL=debug shows more.')
  }
  if (isDebugging && err instanceof Error) complain(stackOf(err))
  return err instanceof UsageError ? 2 : 1
}

/** Prints to standard error, without keys and passwords. */
export function complain (text: string): void {
  process.stderr.write(`${redact(text)}\n`)
}

/** Node reports a failed connection to several addresses as an AggregateError without a message. */
export function messageOf (err: unknown): string {
  if (err instanceof AggregateError && err.message === '') return [...new Set(err.errors.map(messageOf))].join('; ')
  if (err instanceof Error) return err.message === '' ? err.name : err.message
  return String(err)
}

const hints: Readonly<Record<string, string>> = {
  '28P01': 'The database refuses the password. Check DATABASE_URL.',
  28000: 'The database refuses the user or the address. Check DATABASE_URL, and pg_hba.conf on the server.',
  '3D000': 'This database does not exist. Create it, or check DATABASE_URL.',
  42501: 'The role in DATABASE_URL lacks a right. `latchkey doctor` says which.',
  '42P01': 'A table is missing. Run: latchkey migrate status',
  42703: 'A column is missing. Run: latchkey migrate status',
  '55P03': 'Something else holds a lock on the table. Try again.',
}

/** The parts wrap what they pass on, so the exact reason may be some causes below. */
async function hintFor (err: unknown): Promise<string | null> {
  // Brings the Postgres driver along, which most faults of a command line have no need of.
  const { isRowRefused, isStoreUnavailable, sqlState } = await import('../database/sqlstate.ts')
  const deeper = err instanceof Error && err.cause !== undefined ? await hintFor(err.cause) : null
  if (deeper !== null) return deeper
  const state = sqlState(err)
  if (state !== null && hints[state] !== undefined) return hints[state]
  if (isStoreUnavailable(err)) return 'The database cannot be reached. Check that it runs and that DATABASE_URL is right; `latchkey doctor` says more.'
  if (isRowRefused(err)) return 'The database refuses the values.'
  return null
}

function stackOf (err: Error): string {
  const stack = err.stack ?? err.message
  return err.cause instanceof Error ? `${stack}\nCaused by: ${stackOf(err.cause)}` : stack
}
