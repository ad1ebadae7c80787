/** The system's monotonic clock, the same in every process and thread. */
export function monotonicMs (): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export async function untilMs (atMs: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, Math.max(0, atMs - monotonicMs())))
}
