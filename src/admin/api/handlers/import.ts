import type { Handlers } from '../call.ts'
import { ApiError } from '../failure.ts'

export function importHandlers (): Pick<Handlers, 'importKeys'> {
  return {
    importKeys: async () => { throw new ApiError('internal_error') },
  }
}
