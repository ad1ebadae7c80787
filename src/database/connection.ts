/**
 * The connection string as pg shall read it: `sslmode=require` encrypts without verifying the certificate (verified
 * only with an `sslrootcert`), `verify-ca` and `verify-full` verify, as in libpq and in everything that Postgres hosts
 * document. Left alone, pg reads them all as `verify-full` and warns that it will change its mind.
 * https://github.com/brianc/node-postgres/tree/master/packages/pg-connection-string#tcp-connections
 */
export function withLibpqTls (connectionString: string): string {
  const decidesTls = /[?&]sslmode=(prefer|require|verify-ca|verify-full)(&|$)/.test(connectionString)
  const isDecided = /[?&]uselibpqcompat=/.test(connectionString)
  return decidesTls && !isDecided ? `${connectionString}&uselibpqcompat=true` : connectionString
}
