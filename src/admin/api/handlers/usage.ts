import { Readable } from 'node:stream'
import type pg from 'pg'
import type { Registry } from 'prom-client'
import type { Config } from '../../../config/config.ts'
import type { KeyManager } from '../../../keys/manager.ts'
import { csv } from '../../../usage/export/csv.ts'
import type { StatusRange } from '../../../usage/export/filter.ts'
import { ndjson } from '../../../usage/export/ndjson.ts'
import { exportPages } from '../../../usage/export/pages.ts'
import { exportTexts } from '../../../usage/export/texts.ts'
import { keyNames } from '../../../usage/reports/key-names.ts'
import { errorReport, trafficReport } from '../../../usage/reports/traffic.ts'
import { settledId } from '../../../usage/rollups/settled.ts'
import type { Handlers } from '../call.ts'
import { ApiError } from '../failure.ts'
import { bucketsOf, periodAsked } from '../periods.ts'
import { refusalsIn } from '../refusals.ts'

export interface UsageParts {
  /** For reports, which may take their time. */
  readonly reportsPool: pg.Pool
  readonly manager: KeyManager
  readonly registry: Pick<Registry, 'metrics'>
  readonly config: () => Config
}

/** For a flush under way to end. */
const settlingMs = 10_000
/** The most that a year of days, or a month of hours, comes to. */
const bucketsMax = 800
const formats = { ndjson, csv }

export function usageHandlers ({ reportsPool: pool, manager, registry, config }: UsageParts): Pick<Handlers, 'getKeyUsage' | 'getUsageSummary' | 'exportUsage'> {
  return {
    async getKeyUsage ({ params, query }) {
      demandUsage(config())
      await manager.show(params.id)
      const asked = periodAsked(query)
      const { from, to, rows, totals } = await trafficReport(pool, { ...asked, by: [asked.bucket], filter: { keyId: params.id }, limit: bucketsMax })
      return { body: { from, to, bucket: asked.bucket, data: bucketsOf(asked.bucket, { from, to }, rows), totals } }
    },
    async getUsageSummary ({ query: { limit = 10, ...query } }) {
      demandUsage(config())
      const asked = periodAsked(query)
      // One after another: nobody takes all connections for one answer.
      const traffic = await trafficReport(pool, { ...asked, by: [asked.bucket], limit: bucketsMax })
      const keys = await trafficReport(pool, { ...asked, by: ['key'], limit })
      const routes = await trafficReport(pool, { ...asked, by: ['route'], limit })
      const errors = await errorReport(pool, { ...asked, limit })
      const refusals = refusalsIn(await registry.metrics())
      const names = await keyNames(pool, [...keys.rows.map(({ group }) => group.key!), ...errors.rows.map(({ key }) => key)])
      const labelOf = (key: number) => ({ key, prefix: names.get(key)?.prefix ?? null, name: names.get(key)?.name ?? null })
      return {
        body: {
          from: traffic.from,
          to: traffic.to,
          bucket: asked.bucket,
          data: bucketsOf(asked.bucket, traffic, traffic.rows),
          totals: traffic.totals,
          keys: keys.rows.map(({ group, ...numbers }) => ({ ...labelOf(group.key!), ...numbers })),
          routes: routes.rows.map(({ group, ...numbers }) => ({ route: group.route!, ...numbers })),
          errors: errors.rows.map(({ key, ...row }) => ({ ...labelOf(key), ...row })),
          refusals,
        },
      }
    },
    async exportUsage ({ query, signal }) {
      demandUsage(config())
      const settled = await settledId(pool, { timeoutMs: settlingMs, signal })
      if (settled === null) throw new ApiError('key_store_unavailable', { detail: 'Somebody has been writing to api_key_usage for ten seconds without a commit, or this is a standby: what can be exported cannot be told. Try again later.' })
      const format = formats[query.format ?? 'ndjson']
      const pages = exportPages(pool, {
        afterId: query.afterId ?? 0,
        settledId: settled,
        rowsMax: query.limit ?? null,
        signal,
        filter: {
          from: query.from === undefined ? null : new Date(query.from),
          until: query.until === undefined ? null : new Date(query.until),
          keyId: query.keyId ?? null,
          userId: query.userId ?? null,
          route: query.route ?? null,
          status: query.status === undefined ? null : statusRangeOf(query.status),
        },
      })
      const texts = exportTexts(pages, format)
      // Before the answer begins: what fails later can only break it off.
      const first = await texts.next()
      const lines = async function * () {
        if (format.header !== '') yield format.header
        if (first.done !== true && first.value.text !== '') yield first.value.text
        for await (const { text } of texts) if (text !== '') yield text
      }
      return { stream: { type: format.mediaType, readable: Readable.from(lines()) }, headers: { 'x-latchkey-settled-id': String(settled) } }
    },
  }
}

function demandUsage ({ usage }: Config): void {
  if (usage.store === 'none') throw new ApiError('usage_not_recorded')
}

/** `404`, or `5xx` for 500 to 599. */
function statusRangeOf (text: string): StatusRange {
  return text.endsWith('xx') ? { least: Number(text[0]) * 100, most: Number(text[0]) * 100 + 99 } : { least: Number(text), most: Number(text) }
}
