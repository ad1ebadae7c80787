import t from 'tap'
import { generateToken } from '../../src/tokens/format.ts'
import { TokenManager } from '../../src/tokens/manager.ts'
import { createDatabase } from '../support/postgres.ts'
import { environmentToken, neighbour, network, startVerifier } from './support.ts'

t.test('a network that guesses is told to wait, without a query, and its budget comes back', async t => {
  const { url } = await createDatabase(t)
  const { verifier, lookups, pass } = startVerifier(t, url, { environmentToken })
  for (let i = 0; i < 20; i++) t.same(await verifier.verify(i % 2 === 0 ? generateToken() : 'junk', network), { status: 'unauthorized' })
  const before = lookups()
  t.same(await verifier.verify(generateToken(), network), { status: 'throttled', retryAfterMs: 3_000 })
  t.same(await verifier.verify('junk', network), { status: 'throttled', retryAfterMs: 3_000 })
  t.equal(lookups(), before)
  t.same(await verifier.verify('', network), { status: 'unauthorized' }, 'no token is no guess')
  t.same(await verifier.verify(generateToken(), neighbour), { status: 'unauthorized' }, 'another network has its own')
  pass(3_000)
  t.same(await verifier.verify(generateToken(), network), { status: 'unauthorized' })
  t.match(await verifier.verify(generateToken(), network), { status: 'throttled' })
})

t.test('many guesses at once are no way around it', async t => {
  const { url } = await createDatabase(t)
  const { verifier, lookups } = startVerifier(t, url, { environmentToken })
  const verdicts = await Promise.all(Array.from({ length: 200 }, () => verifier.verify(generateToken(), network)))
  t.equal(verdicts.filter(({ status }) => status === 'unauthorized').length, 20)
  t.equal(verdicts.filter(({ status }) => status === 'throttled').length, 180)
  t.equal(lookups(), 20)
})

t.test('many first uses of a good token at once are all let in', async t => {
  const { url, pool } = await createDatabase(t)
  const { verifier } = startVerifier(t, url)
  const { token } = await new TokenManager({ pool }).create({ name: 'deploy', rights: 'write' })
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token, network)))
  t.ok(verdicts.every(({ status }) => status === 'valid'))
})

t.test('a neighbour who guesses locks nobody out', async t => {
  const { url, pool } = await createDatabase(t)
  const manager = new TokenManager({ pool })
  const { verifier, pass, lookups } = startVerifier(t, url, { environmentToken })
  const { token } = await manager.create({ name: 'deploy', rights: 'write' })
  const { token: unused } = await manager.create({ name: 'unused', rights: 'write' })
  t.match(await verifier.verify(token, network), { status: 'valid' })
  const spend = async () => {
    for (let i = 0; i < 25; i++) await verifier.verify('junk', network)
  }
  await spend()
  t.match(await verifier.verify(token, network), { status: 'valid' }, 'known to be good')
  t.match(await verifier.verify(environmentToken, network), { status: 'valid' }, "the environment's")
  t.match(await verifier.verify(unused, network), { status: 'throttled' }, 'never seen before')
  t.match(await verifier.verify(unused, neighbour), { status: 'valid' })
  t.match(await verifier.verify(unused, network), { status: 'valid' }, 'wherever it was seen')

  const before = lookups()
  await manager.revoke('deploy')
  t.match(await verifier.verify(token, network), { status: 'unauthorized' }, 'known to be good, and revoked')
  t.equal(lookups(), before + 1, 'it is looked up all the same')
  t.match(await verifier.verify(token, network), { status: 'throttled' }, 'and then is as good as a guess')

  pass(86_399_000)
  await spend()
  t.match(await verifier.verify(unused, network), { status: 'valid' }, 'within a day')
  pass(86_400_000)
  await spend()
  t.match(await verifier.verify(unused, network), { status: 'throttled' }, 'after a day it has to show again that it is good')
})
