import { setTimeout as delay } from 'node:timers/promises'

const pollMs = 10

/**
 * Waits until `condition` holds. Rejects, naming `what` was waited for, when it doesn't within `timeoutMs`.
 * What the condition throws is passed on at once.
 */
export async function until (condition: () => boolean | Promise<boolean>, what: string, { timeoutMs = 30_000 } = {}): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  while (!await condition()) {
    if (Date.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`)
    await delay(pollMs)
  }
}
