import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'

t.test('importing.md, done as it says, shows what it says', async t => {
  const { url } = await createDatabase(t)
  await followGuide(t, { page: 'importing.md', after: [{ page: 'getting-started.md', upTo: '## A key' }], env: { DATABASE_URL: url }, ports: [3000, 8080, 8081] })
})
