import { ConfigError } from '../../src/config/config-error.ts'
import type { ConfigOverrides } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/load.ts'

/** The faults of a text as `line:column message`; empty where it has none. */
export function faultsOf (text: string, overrides?: ConfigOverrides): string[] {
  try {
    parseConfig(text, 'gateway.yaml', overrides)
    return []
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    return err.faults.map(({ line, column, message }) => `${line}:${column} ${message}`)
  }
}

/** The smallest configuration there is, with more settings of its one route or more sections. */
export function minimal ({ route = '', sections = '', upstream = '' }: { route?: string, sections?: string, upstream?: string } = {}): string {
  return `${sections}
upstreams: { sample: { targets: [http://127.0.0.1:9000]${upstream && `, ${upstream}`} } }
routes:
  - { id: one, path: /one/two, upstream: sample${route && `, ${route}`} }
`
}
