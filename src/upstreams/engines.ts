import type { GatewayConfig } from '../config/config.ts'
import { DirectEngine } from './direct/direct-engine.ts'
import type { Engine } from './forwarding.ts'

/** The reference engine is loaded only where it is asked for: its libraries take longer to load than all the rest. */
export async function createEngine (name: GatewayConfig['engine']): Promise<Engine> {
  if (name === 'direct') return new DirectEngine()
  const { HttpProxyEngine } = await import('./http-proxy-engine.ts')
  return new HttpProxyEngine()
}
