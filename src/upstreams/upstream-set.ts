import { isDeepStrictEqual } from 'node:util'
import type { UpstreamConfig } from '../config/config.ts'
import type { OpenPool, PoolStats } from './target.ts'
import { Upstream } from './upstream.ts'

/** A request keeps the upstream that it matched while its key is looked up; by then it has been sent or given up. */
const retireAfterMs = 90_000

/** All upstreams by name. Replacing the configuration keeps the connections of those that didn't change. */
export class UpstreamSet {
  #upstreams: Map<string, Upstream>
  readonly #retiring = new Map<Upstream, NodeJS.Timeout>()
  readonly #openPool: OpenPool

  constructor (configs: readonly UpstreamConfig[], openPool: OpenPool) {
    this.#openPool = openPool
    this.#upstreams = new Map(configs.map(config => [config.name, new Upstream(config, openPool)]))
  }

  /** Throws on a name that the configuration doesn't have, which config/ rules out. */
  get (name: string): Upstream {
    const upstream = this.#upstreams.get(name)
    if (upstream === undefined) throw new Error(`no upstream named ${name}`)
    return upstream
  }

  /** Swaps in another configuration; upstreams that went away finish their requests and then close. */
  replace (configs: readonly UpstreamConfig[]): void {
    const before = this.#upstreams
    this.#upstreams = new Map(configs.map(config => {
      const kept = before.get(config.name)
      return [config.name, kept !== undefined && isDeepStrictEqual(kept.config, config) ? kept : new Upstream(config, this.#openPool)]
    }))
    for (const upstream of before.values()) {
      if (this.#upstreams.get(upstream.config.name) !== upstream) this.#retire(upstream)
    }
  }

  /** Of those in force. */
  stats (): (PoolStats & { readonly name: string })[] {
    return [...this.#upstreams].map(([name, upstream]) => ({ name, ...upstream.stats() }))
  }

  async close (): Promise<void> {
    for (const timer of this.#retiring.values()) clearTimeout(timer)
    await Promise.all([...this.#upstreams.values(), ...this.#retiring.keys()].map(upstream => upstream.destroy()))
  }

  #retire (upstream: Upstream): void {
    const timer = setTimeout(() => {
      upstream.close().catch(() => {}).finally(() => this.#retiring.delete(upstream))
    }, retireAfterMs)
    this.#retiring.set(upstream, timer.unref())
  }
}
