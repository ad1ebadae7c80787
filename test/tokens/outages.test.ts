import t from 'tap'
import { generateToken } from '../../src/tokens/format.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { createDatabase } from '../support/postgres.ts'
import { createRole } from '../support/role.ts'
import { proxyTo } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { environmentToken, network, startVerifier } from './support.ts'

t.test('while the database is away, nobody is told that a token is wrong', async t => {
  const { url, pool } = await createDatabase(t)
  const proxy = await proxyTo(url)
  t.teardown(() => proxy.close())
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const { verifier, logs } = startVerifier(t, proxy.through(url))
  const withEnvironment = startVerifier(t, proxy.through(url), { environmentToken }).verifier
  t.match(await verifier.verify(token, network), { status: 'valid' })
  await proxy.cut()
  for (const presented of [token, generateToken(), 'junk', '']) t.same(await verifier.verify(presented, network), { status: 'unavailable' }, presented)
  const atOnce = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(generateToken(), network)))
  t.ok(atOnce.every(({ status }) => status === 'unavailable'), 'which is no failure of theirs')
  t.match(await withEnvironment.verify(environmentToken, network), { status: 'valid' })
  t.same(await withEnvironment.verify('junk', network), { status: 'unauthorized' })
  t.equal(logs.filter(line => /the database doesn't answer/.test(line)).length, 1, 'the log says so, and not each time')
  await proxy.resume()
  t.match(await verifier.verify(token, network), { status: 'valid' })
})

t.test('a connection that was lost meanwhile costs nobody an answer', async t => {
  const { url, pool } = await createDatabase(t)
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const { verifier } = startVerifier(t, url)
  for (let i = 0; i < 5; i++) {
    t.match(await verifier.verify(token, network), { status: 'valid' })
    await pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey admin' and datname = current_database()")
  }
})

t.test('a table that the role may not read, or whose rows it is not shown, is an outage, and the log says what to do', async t => {
  const database = await createDatabase(t)
  const { pool } = database
  const role = await createRole(t, database)
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const { verifier, logs } = startVerifier(t, role.url)
  const all = async (status: string, presented = [token, generateToken(), '']) => {
    for (const text of presented) t.match(await verifier.verify(text, network), { status }, text)
  }
  await all('unavailable')
  t.ok(logs.some(line => /latchkey doctor/.test(line) && /permission denied/.test(line)))

  await pool.query(`grant usage on schema latchkey to ${role.name}; grant select on latchkey.admin_tokens to ${role.name}`)
  await all('unavailable')
  t.ok(logs.some(line => /Row-level security hides rows of latchkey\.admin_tokens.*BYPASSRLS/.test(line)))

  await pool.query(`create policy gateway on latchkey.admin_tokens to ${role.name} using (true)`)
  await all('valid', [token])
  await all('unauthorized', [generateToken(), ''])
  await until(() => logs.some(line => /last used could not be written/.test(line)), 'that it may not write is said, and harmless')
  await all('valid', [token])
  await pool.query(`grant update (last_used_at) on latchkey.admin_tokens to ${role.name}`)
  const fresh = startVerifier(t, role.url)
  t.match(await fresh.verifier.verify(token, network), { status: 'valid' })
  await until(async () => (await pool.query('select from latchkey.admin_tokens where last_used_at is not null')).rowCount === 1, 'with that right it is written')
})
