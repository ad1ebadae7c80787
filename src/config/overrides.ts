import type { ConfigFault } from './config-error.ts'
import { isListenHost } from './hosts.ts'

/** What the environment or the command line sets in place of the file; null and undefined leave the file's. */
export interface ConfigOverrides {
  readonly host?: string | null
  readonly port?: number | null
  readonly adminHost?: string | null
  readonly adminPort?: number | null
}

/** What is wrong with them; they have no place in the file. */
export function overrideFaults ({ host, port, adminHost, adminPort }: ConfigOverrides): ConfigFault[] {
  const faults: ConfigFault[] = []
  const fault = (message: string): void => { faults.push({ file: 'override', line: 0, column: 0, message }) }
  for (const [name, value] of [['host', host], ['admin host', adminHost]] as const) {
    if (typeof value === 'string' && !isListenHost(value)) fault(`${name} must be an IP address without brackets or a host name, without a port`)
  }
  for (const [name, value] of [['port', port], ['admin port', adminPort]] as const) {
    if (typeof value === 'number' && !(Number.isInteger(value) && value >= 0 && value <= 65535)) fault(`${name} must be 0 to 65535`)
  }
  return faults
}
