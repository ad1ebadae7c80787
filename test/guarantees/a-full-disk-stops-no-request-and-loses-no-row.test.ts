import t from 'tap'
import { fullDisk } from '../support/usage-harness/scenarios/full-disk.ts'

t.test('on a disk that is full or read-only for a while, requests go on, rows reach the database, and it is said', async t => {
  await fullDisk(t)
})
