import { pino } from 'pino'
import type { Logger } from 'pino'
import { isDebugging, processEnvironment } from '../config/dotenv.ts'
import { loadEnvironment } from '../config/environment.ts'
import type { Environment } from '../config/environment.ts'
import { serialisedError } from './serialised-error.ts'

/** What a command is told by the environment and the `.env` of the working folder. Throws UsageError with all faults. */
export function readEnvironment (): Environment {
  return loadEnvironment(processEnvironment())
}

/** A command speaks through its output and its faults; the parts it uses log to standard error only when debugging. */
export function commandLogger (environment: Environment): Logger {
  return pino({ level: isDebugging() ? environment.logLevel : 'silent', serializers: { err: serialisedError } }, pino.destination({ fd: 2, sync: true }))
}
