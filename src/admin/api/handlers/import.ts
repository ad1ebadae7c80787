import type pg from 'pg'
import type { Config } from '../../../config/config.ts'
import type { Peppers } from '../../../keys/digest.ts'
import { csvRows } from '../../../keys/import/csv-rows.ts'
import { importKeys, RowsRefusedError, type RowSource } from '../../../keys/import/importer.ts'
import { ndjsonRows } from '../../../keys/import/ndjson-rows.ts'
import { objectRows, textPieces } from '../../../keys/import/turns.ts'
import type { Call, Handlers } from '../call.ts'
import { ApiError, faultyRequest } from '../failure.ts'

/** As of JSON: what it takes is over before a silent connection is closed. */
const rowsMax = 100_000

export interface ImportParts {
  readonly pool: pg.Pool
  readonly peppers: Peppers
  readonly config: () => Config
}

export function importHandlers ({ pool, peppers, config }: ImportParts): Pick<Handlers, 'importKeys'> {
  return {
    async importKeys (call) {
      const { caller, requestId, signal } = call
      const { source, ...options } = asked(call)
      const actor = { kind: 'token', name: caller.name, address: caller.address, requestId } as const
      try {
        return { body: await importKeys({ pool, peppers, config: config().keys, actor }, source, { ...options, rowsMax, signal }) }
      } catch (err) {
        // Nobody is there to read it.
        if (signal.aborted && err === signal.reason) throw new ApiError('request_timeout')
        if (!(err instanceof RowsRefusedError)) throw err
        const { faults, moreFaults, warnings } = err
        throw new ApiError('rows_refused', { members: { faults, moreFaults, warnings } })
      }
    },
  }
}

interface Asked {
  readonly source: RowSource
  readonly skipFaulty: boolean
  readonly dryRun: boolean
}

function asked ({ body, query, contentType }: Call<'importKeys'>): Asked {
  const { skipFaulty = false, dryRun = false } = query
  if (typeof body === 'string') return { source: (contentType === 'text/csv' ? csvRows : ndjsonRows)(textPieces(body)), skipFaulty, dryRun }
  // Two places for one thing would be a question which of them counts.
  if (query.skipFaulty !== undefined || query.dryRun !== undefined) throw faultyRequest([{ field: '', detail: 'with a JSON body, skipFaulty and dryRun stand in it' }])
  return { source: objectRows(body.rows), skipFaulty: body.skipFaulty ?? false, dryRun: body.dryRun ?? false }
}
