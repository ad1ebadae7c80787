import t from 'tap'
import { Invalidations, parseNotification } from '../../src/keys/invalidations.ts'

t.test('a load learns of what changed since it began, and of nothing else', async (t) => {
  const invalidations = new Invalidations()
  invalidations.begin()
  invalidations.add({ ids: [1], hasNewSecrets: false })
  const since = invalidations.now()
  t.equal(invalidations.hasChanged(since, 1), false, 'that was before')
  invalidations.add({ ids: [2], hasNewSecrets: false })
  t.equal(invalidations.hasChanged(since, 2), true)
  t.equal(invalidations.hasChanged(since, 1), false)
  t.equal(invalidations.hasChanged(since, null), false)
  invalidations.add({ ids: [3], hasNewSecrets: true })
  t.equal(invalidations.hasChanged(since, null), true)
  t.equal(invalidations.hasChanged(since, 1), false)
  invalidations.addAll()
  t.equal(invalidations.hasChanged(since, 1), true)
})

t.test('when more changed than is kept, every load under way counts as changed', async (t) => {
  const invalidations = new Invalidations({ idsMax: 3 })
  invalidations.begin()
  const since = invalidations.now()
  for (let id = 1; id <= 4; id++) invalidations.add({ ids: [id], hasNewSecrets: false })
  for (const id of [1, 4, 99, null]) t.equal(invalidations.hasChanged(since, id), true)
  t.equal(invalidations.hasChanged(invalidations.now(), 1), false)
})

t.test('ids are forgotten only when no load is left', async (t) => {
  const invalidations = new Invalidations()
  invalidations.begin()
  const since = invalidations.now()
  invalidations.begin()
  invalidations.add({ ids: [1], hasNewSecrets: false })
  invalidations.end()
  t.equal(invalidations.hasChanged(since, 1), true)
})

t.test('payloads', async (t) => {
  t.same(parseNotification('{"ids":[1,2],"clearNegative":true}'), { ids: [1, 2], hasNewSecrets: true })
  t.same(parseNotification('{"ids":[],"clearNegative":false}'), { ids: [], hasNewSecrets: false })
  t.same(parseNotification('{"ids":[7]}'), { ids: [7], hasNewSecrets: true }, 'the careful reading')
  t.equal(parseNotification('{"all":true}'), 'all')
  for (const payload of ['', 'x', '7', 'null', '[]', '{}', '{"ids":"1"}', '{"ids":["1"]}', '{"all":false}']) {
    t.equal(parseNotification(payload), null, payload)
  }
})
