import { parseDocument } from 'yaml'

/** What carries requests to their upstreams: `gateway.engine`. */
export type EngineName = 'direct' | 'http-proxy'

/**
 * The configuration with the engine to be tested: the one named, else LATCHKEY_TEST_ENGINE's. Without either, and where
 * the text names one itself, it stays as it is. LATCHKEY_TEST_WORKERS does the same for the number of workers; tests
 * that read what a gateway of their own process logs don't see the lines of its workers.
 */
export function withEngine (config: string, engine: string | undefined = process.env.LATCHKEY_TEST_ENGINE): string {
  const workers = process.env.LATCHKEY_TEST_WORKERS
  if (engine === undefined && workers === undefined) return config
  const document = parseDocument(config)
  if (workers !== undefined && !document.hasIn(['gateway', 'workers'])) document.setIn(['gateway', 'workers'], Number(workers))
  if (engine !== undefined && !document.hasIn(['gateway', 'engine'])) document.setIn(['gateway', 'engine'], engine)
  return document.toString({ lineWidth: 0 })
}
