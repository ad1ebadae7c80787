/** A request as it is exported: of its key, what names it and never what proves it. */
export interface ExportedRow {
  readonly id: number
  readonly keyId: number
  readonly keyPrefix: string | null
  readonly userId: string | null
  /** Null in rows that were written before routes were. */
  readonly route: string | null
  readonly endpoint: string
  readonly method: string
  readonly status: number | null
  readonly ipAddress: string | null
  readonly userAgent: string | null
  readonly responseTimeMs: number | null
  readonly requestBytes: number | null
  readonly responseBytes: number | null
  /** When the request began. */
  readonly createdAt: Date | null
  readonly requestId: string | null
}

/** In the order of every format. The id comes first: the last line alone says where to go on. */
export const exportedColumns = [
  'id', 'createdAt', 'keyId', 'keyPrefix', 'userId', 'route', 'method', 'endpoint', 'status', 'responseTimeMs',
  'requestBytes', 'responseBytes', 'ipAddress', 'userAgent', 'requestId',
] as const satisfies readonly (keyof ExportedRow)[]
