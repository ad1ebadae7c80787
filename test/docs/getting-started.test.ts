import t from 'tap'
import { followGuide } from './guide.ts'

t.test('getting-started.md, done as it says, shows what it says', async t => {
  await followGuide(t, { page: 'getting-started.md', ports: [3000, 8080, 8081] })
})
