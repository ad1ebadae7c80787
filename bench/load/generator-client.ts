import { join } from 'node:path'
import type { Stage } from '../stage.ts'
import type { Job, Outcome } from './job.ts'

/**
 * Runs a load generator on the core of the load to its end, which a signal brings about sooner. Rejects when the
 * generator fails, not when requests do.
 */
export async function generate (stage: Stage, job: Job, signal?: AbortSignal): Promise<Outcome> {
  const program = [process.execPath, '--import=tsx', join(import.meta.dirname, 'generator-process.ts'), JSON.stringify(job)]
  return JSON.parse(await stage.run('load', program, { signal })) as Outcome
}
