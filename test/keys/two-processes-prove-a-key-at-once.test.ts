import { pino } from 'pino'
import t from 'tap'
import { createPool } from '../../src/database/pool.ts'
import { Peppers } from '../../src/keys/digest.ts'
import { KeyFinder } from '../../src/keys/finder.ts'
import { StoreHealth } from '../../src/keys/store-health.ts'
import { KeyStore } from '../../src/keys/store.ts'
import { until } from '../support/until.ts'
import { insertKey, newKey, openKeys, openShared, randomPeppers } from './support.ts'

const shared = await openShared(t)
const logger = pino({ level: 'silent' })

/** Between its two queries for a key, something else happens. */
class InterruptedStore extends KeyStore {
  interruption = async (): Promise<void> => {}

  override async findCandidates (...query: Parameters<KeyStore['findCandidates']>): ReturnType<KeyStore['findCandidates']> {
    await this.interruption()
    return await super.findCandidates(...query)
  }
}

t.test('a key whose digest another process writes between the query for the digest and the one for the prefix is found', async t => {
  const peppers = new Peppers(randomPeppers())
  const other = await openKeys(t, shared, { peppers })
  const { key, id } = await insertKey(shared.database)
  const pool = createPool({ connectionString: shared.database.url, applicationName: 'latchkey-test', connectionsMax: 2, queryTimeoutMs: 10_000, logger })
  t.teardown(() => pool.end())
  const store = new InterruptedStore(pool)
  const health = new StoreHealth({ ping: () => store.ping(), onReturn () {}, logger, nowMs: Date.now })
  const finder = new KeyFinder({ store, health, peppers, bcrypt: other.bcrypt, logger, nowMs: Date.now })

  store.interruption = async () => {
    t.equal((await other.verifier.verify(key)).status, 'valid')
    await until(async () => (await other.sql('select from public.api_keys where id = $1 and key_lookup is not null', [id])).rowCount === 1, 'the other has written the digest')
  }
  const found = await finder.find(key, new Map())
  t.not(found, 'busy')
  t.equal(found === null || found === 'busy' ? found : found.record.id, id)
  store.interruption = async () => {}
  t.equal(await finder.find(newKey(), new Map()), null)
})
