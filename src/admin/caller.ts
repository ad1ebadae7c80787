/** Who calls the admin API. */
export interface Caller {
  /** Of the token. */
  readonly name: string
  readonly rights: 'read' | 'write'
  /** Whence the request came. */
  readonly address: string
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of requests whose token was verified, as it is of all below /v1. */
    caller: Caller
  }
}
