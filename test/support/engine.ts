import { parseDocument } from 'yaml'

/** What carries requests to their upstreams: `gateway.engine`. */
export type EngineName = 'direct' | 'http-proxy'

/**
 * The configuration with the engine to be tested: the one named, else LATCHKEY_TEST_ENGINE's. Without either, and where
 * the text names one itself, it stays as it is.
 */
export function withEngine (config: string, engine: string | undefined = process.env.LATCHKEY_TEST_ENGINE): string {
  if (engine === undefined) return config
  const document = parseDocument(config)
  if (document.hasIn(['gateway', 'engine'])) return config
  document.setIn(['gateway', 'engine'], engine)
  return document.toString({ lineWidth: 0 })
}
