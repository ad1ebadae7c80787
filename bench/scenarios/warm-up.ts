import type { Bench } from '../bench.ts'
import { saturate, type WrkOptions } from '../load/wrk.ts'

/** By then every key is cached and what runs often is compiled. */
const requestsMin = 10_000
const turnsMax = 4

/** Loads a peer until it is as fast as it gets, also on a machine that is busy otherwise. */
export async function warmUp ({ stage, options }: Bench, target: Omit<WrkOptions, 'seconds'>): Promise<void> {
  let requests = 0
  for (let turn = 0; turn < turnsMax && requests < requestsMin; turn++) {
    requests += (await saturate(stage, { ...target, seconds: options.warmUpSeconds })).requests
  }
}
