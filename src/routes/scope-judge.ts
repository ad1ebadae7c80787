import type { RouteConfig, ScopeRule } from '../config/config.ts'
import { type NarrowedScopes, narrowScopes } from './narrowed-scopes.ts'

export interface ScopeJudgement extends NarrowedScopes {
  /** Ids of which there is no route. */
  readonly unknownRoutes: readonly string[]
}

/** Tells what keys need of their scopes from the ids of the routes that they use. */
export class ScopeJudge {
  readonly #rules: ReadonlyMap<string, ScopeRule>

  constructor (routes: readonly RouteConfig[]) {
    // A public route asks for nothing, whatever scopes stand beside it; one that only reports is meant to ask one day.
    this.#rules = new Map(routes.map(({ id, auth, scopes }) => [id, auth === 'none' ? nothing : scopes]))
  }

  judge (held: readonly string[], routeIds: readonly string[]): ScopeJudgement {
    const rules = routeIds.map(id => this.#rules.get(id)).filter(rule => rule !== undefined)
    return { ...narrowScopes(held, rules), unknownRoutes: routeIds.filter(id => !this.#rules.has(id)) }
  }
}

const nothing: ScopeRule = { allOf: [], anyOf: [] }
