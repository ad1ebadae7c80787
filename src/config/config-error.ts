import { UsageError } from '../errors.ts'

/** Everything that is wrong with a configuration, at once. The message has a line for each fault. */
export class ConfigError extends UsageError {
  readonly faults: readonly ConfigFault[]

  constructor (faults: readonly ConfigFault[]) {
    super(faults.map(formatFault).join('\n'))
    this.faults = faults
  }
}

/** Line and column count from 1; both are 0 where the fault has no place in the file (it can't be read, say). */
export interface ConfigFault {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

function formatFault ({ file, line, column, message }: ConfigFault): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${column} ${message}`
}
