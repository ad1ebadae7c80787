import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { sendProblem } from './problem.ts'

/**
 * The paths that a listener serves, with their methods: tells a wrong method from a wrong path, before a body is read.
 * Routes for all the methods that there are would make a thousand of them, and take longer than everything else at start.
 */
export class Paths {
  readonly #known: { readonly pattern: RegExp, readonly methods: string[] }[] = []
  readonly #byUrl = new Map<string, string[]>()

  /** `url` as Fastify has it: static text, or `:name` for one segment. GET brings HEAD along. */
  add (url: string, method: string): void {
    let methods = this.#byUrl.get(url)
    if (methods === undefined) {
      this.#byUrl.set(url, methods = [])
      this.#known.push({ pattern: new RegExp(`^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')}$`), methods })
    }
    methods.push(method, ...method === 'GET' ? ['HEAD'] : [])
  }

  /** An onRequest hook. It leaves alone what `isOthers` says, for a hook that comes later. */
  refuseUnknown (isOthers: (path: string) => boolean = () => false): onRequestAsyncHookHandler {
    return async (request, reply) => {
      const path = pathOf(request)
      const ofText = this.#byUrl.get(path)
      // The router would find `/keys/:id` for another method of `/keys/import`.
      if (!request.is404 && (ofText === undefined || ofText.includes(request.method))) return
      if (isOthers(path)) return
      const methods = ofText ?? this.#known.find(({ pattern }) => pattern.test(path))?.methods
      return methods === undefined
        ? sendProblem(request, reply, 'route_not_found')
        : sendProblem(request, reply.header('allow', methods.join(', ')), 'method_not_allowed')
    }
  }
}

function pathOf ({ url }: FastifyRequest): string {
  const queryStart = url.indexOf('?')
  return queryStart === -1 ? url : url.slice(0, queryStart)
}
