import { useRef } from 'preact/hooks'

/**
 * One key a form, so that sending it again after a lost answer makes nothing twice. What was sent and was then changed
 * is another request and gets another key.
 */
export function useIdempotencyKey (): (body: unknown) => string {
  const used = useRef<{ readonly key: string, readonly body: string } | null>(null)
  return body => {
    const text = JSON.stringify(body)
    if (used.current?.body !== text) used.current = { key: randomId(), body: text }
    return used.current.key
  }
}

/** `crypto.randomUUID` is there on HTTPS and loopback only. */
function randomId (): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}
