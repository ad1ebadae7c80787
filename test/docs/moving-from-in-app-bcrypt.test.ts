import t from 'tap'
import { createDatabase } from '../support/postgres.ts'
import { followGuide } from './guide.ts'

t.test('moving-from-in-app-bcrypt.md, done as it says, shows what it says', async t => {
  const { url } = await createDatabase(t, { migrated: false })
  await followGuide(t, {
    page: 'moving-from-in-app-bcrypt.md',
    after: [{ page: 'getting-started.md', upTo: '## A gateway before it' }],
    env: { DATABASE_URL: url },
    ports: [3000, 8080, 8081],
  })
})
