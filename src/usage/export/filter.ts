/** Which rows are exported; null leaves a column alone. */
export interface ExportFilter {
  /** Requests that began at this moment or later. */
  readonly from: Date | null
  /** And before this one. */
  readonly until: Date | null
  readonly keyId: number | null
  readonly userId: string | null
  readonly route: string | null
  readonly status: StatusRange | null
}

/** Both ends belong to it: 404 to 404, or 500 to 599. */
export interface StatusRange {
  readonly least: number
  readonly most: number
}

export const everything: ExportFilter = { from: null, until: null, keyId: null, userId: null, route: null, status: null }
