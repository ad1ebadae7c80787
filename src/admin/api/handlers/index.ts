import type pg from 'pg'
import type { Registry } from 'prom-client'
import type { Handlers } from '../call.ts'
import { auditHandlers } from './audit.ts'
import { type GatewayParts, gatewayHandlers } from './gateway.ts'
import { type ImportParts, importHandlers } from './import.ts'
import { keyHandlers } from './keys.ts'
import { usageHandlers } from './usage.ts'

/** What the API's calls are answered from. */
export interface ApiParts extends GatewayParts, ImportParts {
  readonly registry: Pick<Registry, 'metrics'>
  /** For what may take its time: reports, exports and listings, which never hold up a change. */
  readonly reportsPool: pg.Pool
}

export function createHandlers (parts: ApiParts): Handlers {
  return {
    ...gatewayHandlers(parts),
    ...keyHandlers(parts),
    ...importHandlers(parts),
    ...usageHandlers(parts),
    ...auditHandlers(parts.reportsPool),
  }
}
