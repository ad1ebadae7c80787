/** Outcomes that refused nobody: those that admitted, and what a route with `auth: report` only reported. */
const admitted = /^(valid|public|reported_\w+)$/

/** What was refused for its key, the commonest first, from a scrape: so that it counts all workers. */
export function refusalsIn (scrape: string): { reason: string, requests: number }[] {
  const refusals: { reason: string, requests: number }[] = []
  for (const [, reason, requests] of scrape.matchAll(/^latchkey_auth_total\{outcome="(\w+)"\} (\d+)$/gm)) {
    if (!admitted.test(reason!) && Number(requests) > 0) refusals.push({ reason: reason!, requests: Number(requests) })
  }
  return refusals.sort((one, other) => other.requests - one.requests)
}
