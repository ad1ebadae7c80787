import type { WayToWrite } from './ways-to-write.ts'

export interface CopyJob {
  readonly databaseUrl: string
  readonly postgresPid: number
  readonly way: WayToWrite
  readonly batchRows: number
  readonly rows: number
  readonly warmUpRows: number
}

export interface CopyOutcome {
  readonly rows: number
  readonly seconds: number
  readonly postgresCpuSeconds: number
  /** Of the process that writes. */
  readonly ownCpuSeconds: number
  readonly walBytes: number
}
