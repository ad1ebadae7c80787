import { pino, type SerializedError } from 'pino'

/** What Postgres quotes of rows and parameters: hashes and digests of keys, addresses, paths. */
const rowContents = ['detail', 'where', 'internalQuery'] as const

/** An error as the log shows it: with all that is known of it, but for the contents of rows. For pino's `serializers`. */
export function serialisedError (err: Error): SerializedError {
  const serialised = pino.stdSerializers.err(err)
  // What isn't an error comes back as it went in.
  if (serialised === err as unknown || typeof serialised !== 'object' || serialised === null) return serialised
  return withoutRowContents(serialised)
}

function withoutRowContents (serialised: SerializedError): SerializedError {
  for (const name of rowContents) delete serialised[name]
  // Errors that an error holds, alone or as a list, were serialised with it.
  for (const inner of Object.values(serialised).flat()) {
    if (typeof inner === 'object' && inner !== null && 'stack' in inner) withoutRowContents(inner)
  }
  return serialised
}
