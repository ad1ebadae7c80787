import type { Readable } from 'node:stream'
import type { Type } from 'typebox'
import type { Caller } from '../caller.ts'
import type { OperationId, Specs } from './specs/index.ts'

/** What every call has. */
export interface CallContext {
  /** Without its parameters; empty where there is no body. */
  readonly contentType: string
  readonly caller: Caller
  /** The bearer token as it came. */
  readonly token: string
  readonly requestId: string
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal
}

/** A call of the API whose request fits its operation's schemas. */
export interface Call<Id extends OperationId = OperationId> extends CallContext {
  readonly params: StaticOf<Specs[Id], 'params'>
  readonly query: StaticOf<Specs[Id], 'query'>
  readonly headers: StaticOf<Specs[Id], 'headers'>
  /** Text where the operation takes other types than JSON, and one of them came. */
  readonly body: StaticOf<Specs[Id], 'body'>
}

type StaticOf<Spec, Part extends string> = Part extends keyof Spec ? Spec[Part] extends Type.TSchema ? Type.Static<Spec[Part]> : undefined : undefined

export interface Answer {
  /** Sent as JSON; left out: no body. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** In place of `body`. */
  readonly stream?: { readonly type: string, readonly readable: Readable }
}

/** May throw what `apiErrorOf` knows. */
export type Handler<Id extends OperationId = OperationId> = (call: Call<Id>) => Promise<Answer>
export type Handlers = { readonly [Id in OperationId]: Handler<Id> }
