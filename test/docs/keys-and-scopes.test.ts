import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'

t.test('keys-and-scopes.md, done as it says, shows what it says', async t => {
  const { url } = await createDatabase(t)
  await followGuide(t, { page: 'keys-and-scopes.md', after: [{ page: 'getting-started.md', upTo: '## A key' }], env: { DATABASE_URL: url }, ports: [3000, 8080, 8081] })
})
