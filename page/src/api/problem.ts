export interface FieldFault {
  /** Path into the body, dots between: `scopes.0`; empty for the whole body. */
  readonly field: string
  readonly detail: string
}

/** What the admin API refused (RFC 9457), or that it couldn't be reached: then `status` is 0 and `code` `unreachable`. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly requestId: string | null
  readonly faults: readonly FieldFault[]
  readonly retryAfterSeconds: number | null

  constructor ({ status, code, detail, requestId = null, faults = [], retryAfterSeconds = null }: {
    readonly status: number
    readonly code: string
    readonly detail: string
    readonly requestId?: string | null
    readonly faults?: readonly FieldFault[]
    readonly retryAfterSeconds?: number | null
  }) {
    super(detail)
    this.status = status
    this.code = code
    this.requestId = requestId
    this.faults = faults
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Reads a refusal's body; what isn't a problem, such as a proxy's page of its own, becomes one. */
export async function problemOf (response: Response): Promise<Problem> {
  const body = await response.json().catch(() => ({})) as Record<string, unknown>
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Problem({
    status: response.status,
    code: typeof body.code === 'string' ? body.code : 'unexpected_answer',
    detail: typeof body.detail === 'string' ? body.detail : `The server answered ${response.status}.`,
    requestId: response.headers.get('x-request-id'),
    faults: Array.isArray(body.errors) ? body.errors as FieldFault[] : [],
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : null,
  })
}

export function isProblem (err: unknown, code: string): err is Problem {
  return err instanceof Problem && err.code === code
}

/** For a person, whatever was thrown. */
export function messageOf (err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}
