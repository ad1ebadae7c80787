import type { ChildProcess } from 'node:child_process'
import type { Bench } from '../bench.ts'

export interface ExpressGateway {
  readonly keysFile: string
  readonly keyHeader: string
  start (port: number, node: string): Promise<ChildProcess>
}

export async function prepareExpressGateway (bench: Bench): Promise<ExpressGateway | null> {
  bench.say('express-gateway is left out')
  return null
}
