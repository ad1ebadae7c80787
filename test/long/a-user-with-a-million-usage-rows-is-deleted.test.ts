import t from 'tap'
import { deleteUnderLoad } from '../support/deletion-under-load.ts'

for (const deleted of ['user', 'key'] as const) {
  t.test(`a ${deleted} with a million usage rows is deleted beside good traffic`, async t => {
    await deleteUnderLoad(t, deleted, { rows: 1_000_000, isHeldOpen: false })
  })
}
