import { hash } from 'node:crypto'
import { pino } from 'pino'
import t from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { TokenStore } from '../../src/tokens/token-store.ts'
import { TokenVerifier } from '../../src/tokens/verifier.ts'
import { createDatabase } from '../support/postgres.ts'

t.test('nothing in a copy of admin_tokens is a token, in whatever spelling', async t => {
  const { url, pool } = await createDatabase(t)
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const logger = pino({ level: 'silent' })
  const adminPool = createPool({ connectionString: url, applicationName: 'latchkey admin', connectionsMax: 1, connectionsMin: 0, queryTimeoutMs: 30_000, logger })
  t.teardown(() => adminPool.end())
  // Of guesses without end.
  const failures = { take: () => true, retryAfterMs: () => 0 }
  const verifier = new TokenVerifier({ store: new TokenStore(adminPool), environmentToken: null, failures, logger })
  t.match(await verifier.verify(token, ''), { status: 'valid' })

  const { rows: [row] } = await pool.query<Record<string, unknown> & { token_hash: Buffer, token_prefix: string }>('select * from latchkey.admin_tokens')
  const hashes = (['hex', 'base64', 'base64url', 'latin1'] as const).map(encoding => row!.token_hash.toString(encoding))
  t.same(row!.token_hash, hash('sha256', token, 'buffer'), 'the copy holds the hash')
  const values = [...Object.values(row!).map(String), ...hashes, `\\x${hashes[0]}`, ...hashes.map(text => row!.token_prefix + text), ...hashes.map(text => `latchkey_admin_${text}`.slice(0, 53))]
  for (const value of values) t.same(await verifier.verify(value, ''), { status: 'unauthorized' }, value)
  t.notOk(values.join('\n').includes(token.slice(19)))
})
