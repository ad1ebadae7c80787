import { UsageError } from '../errors.ts'

/**
 * The process's environment together with what a `.env` in the working folder adds; where both name a variable, the
 * real environment wins. No `.env` is fine; one that can't be read is a UsageError.
 */
export function processEnvironment (): NodeJS.ProcessEnv {
  try {
    process.loadEnvFile()
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? err.code : undefined
    // Node 20 reports an unreadable file, or a folder of that name, as ERR_INVALID_ARG_TYPE.
    if (code !== 'ENOENT') throw new UsageError('.env: cannot be read. Check that it is a file and that its owner is you.')
  }
  return process.env
}

/** Whether LOG_LEVEL asks for stack traces. Of its own, because faults in the environment are reported, too. */
export function isDebugging (): boolean {
  return ['debug', 'trace'].includes(process.env.LOG_LEVEL?.toLowerCase() ?? '')
}
