import t from 'tap'
import { deleteUnderLoad } from '../support/deletion-under-load.ts'

for (const deleted of ['user', 'key'] as const) {
  t.test(`a ${deleted} that is deleted takes its usage along, and holds nobody up`, async t => {
    await deleteUnderLoad(t, deleted, { rows: 20_000, isHeldOpen: true })
  })
}
