import type { RouteConfig } from '../config/config.ts'
import { forwardedMethods } from '../config/route-rules.ts'
import type { Match } from './match.ts'

/** All routes with one path pattern, told apart by their methods. Its answers are made once, when the table is. */
export class Pattern {
  /** The path of one of them: parameters' names may differ between them. */
  readonly path: string
  readonly #matches = new Map<string, Match>()
  readonly #notAllowed: Match

  /** Throws an Error where two routes serve one method. */
  constructor (path: string, routes: readonly RouteConfig[]) {
    this.path = path
    for (const route of routes) {
      const match: Match = Object.freeze({ kind: 'route', route })
      for (const method of route.methods ?? forwardedMethods) {
        if (this.#matches.has(method)) throw new Error(`two routes serve ${method} ${path}`)
        this.#matches.set(method, match)
      }
    }
    this.#notAllowed = Object.freeze({ kind: 'method_not_allowed', allow: [...this.#matches.keys()].sort().join(', ') })
  }

  /** The route that serves the method, or the refusal. Methods are upper case, as they come. */
  match (method: string): Match {
    return this.#matches.get(method) ?? this.#notAllowed
  }
}
