import { randomUUID } from 'node:crypto'
import { EncodedRows } from '../../src/usage/encoded-rows.ts'
import type { UsageRow } from '../../src/usage/row.ts'
import { encodeRow } from '../../src/usage/row-encoding.ts'

const userAgents = [
  'python-requests/2.32.3',
  'okhttp/4.12.0',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'inventory-sync/3.1 (+https://example.com/bots)',
]
const rowBytesMax = 1024

/** Rows as a gateway in use makes them: many keys, some hundred clients, paths that repeat, an id of each one's own. */
export class RowMaker {
  readonly #keyIds: readonly number[]
  #made = 0

  constructor (keyIds: readonly number[]) {
    this.#keyIds = keyIds
  }

  next (): UsageRow {
    const i = this.#made++
    return {
      keyId: this.#keyIds[(i * 7919) % this.#keyIds.length]!,
      route: 'read-inventory',
      endpoint: `/inventory/items/${i % 5_000}`,
      method: 'GET',
      statusCode: i % 50 === 0 ? 403 : 200,
      ipAddress: i % 10 === 0 ? `2001:db8::${(i % 400).toString(16)}` : `198.51.${i % 7}.${i % 250}`,
      userAgent: userAgents[i % userAgents.length]!,
      responseTimeMs: i % 40,
      requestBytes: 0,
      responseBytes: 158,
      createdAtMs: Date.now(),
      requestId: randomUUID(),
    }
  }

  batch (count: number): EncodedRows {
    const bytes = Buffer.allocUnsafeSlow(count * rowBytesMax)
    const view = new DataView(bytes.buffer)
    let end = 0
    for (let i = 0; i < count; i++) {
      const next = encodeRow(bytes, view, end, this.next())
      if (next === null) throw new RangeError('a made row is longer than made rows are')
      end = next
    }
    return new EncodedRows(bytes.subarray(0, end), count)
  }
}
