import { pino, type SerializedError } from 'pino'

/**
 * What Postgres quotes of rows and parameters: hashes and digests of keys, addresses, paths. And the connection that
 * pg's pool adds to an error of an idle one: kilobytes, with the secret by which its queries can be cancelled.
 */
const leftOut = ['detail', 'where', 'internalQuery', 'client'] as const

/** An error as the log shows it: with all that is known of it, but for the contents of rows and whole connections. For pino's `serializers`. */
export function serialisedError (err: Error): SerializedError {
  const serialised = pino.stdSerializers.err(err)
  // What isn't an error comes back as it went in.
  if (serialised === err as unknown || typeof serialised !== 'object' || serialised === null) return serialised
  return trimmed(serialised)
}

function trimmed (serialised: SerializedError): SerializedError {
  for (const name of leftOut) delete serialised[name]
  // Errors that an error holds, alone or as a list, were serialised with it.
  for (const inner of Object.values(serialised).flat()) {
    if (typeof inner === 'object' && inner !== null && 'stack' in inner) trimmed(inner)
  }
  return serialised
}
