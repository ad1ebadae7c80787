import t from 'tap'
import { startApi } from './support.ts'

const fields = { userId: 'ada@example.com', name: 'evil', scopes: [] }
const refused = (what: string) => ({ status: 400, code: 'bad_request', body: { errors: [{ field: '', detail: `the database refuses it (SQLSTATE ${what})` }] } })

t.test('what a constraint of the owner’s refuses is told by its name, without a value', async t => {
  const api = await startApi(t)
  const { pool } = api.gateway.database
  const { apiKey } = await api.create({ name: 'good' })
  await pool.query("alter table api_keys add constraint no_evil check (name <> 'evil'), add constraint one_name unique (name)")
  const answers = [
    await api.call('POST', '/v1/keys', { body: fields }),
    await api.call('PATCH', `/v1/keys/${apiKey.id}`, { body: { name: 'evil' } }),
  ]
  for (const answer of answers) t.match(answer, refused('23514, constraint no_evil'))
  answers.push(await api.call('POST', '/v1/keys', { body: { ...fields, name: 'good' } }))
  t.match(answers.at(-1), refused('23505, constraint one_name'))
  await pool.query("alter table api_keys add column tenant text not null default 'x'; alter table api_keys alter tenant drop default")
  answers.push(await api.call('POST', '/v1/keys', { body: { ...fields, name: 'other' } }))
  t.match(answers.at(-1), refused('23502, column tenant'))
  for (const { text } of answers) t.notMatch(text, /ada@|\$2b\$|Failing row|already exists/)
  t.same(api.errorsLogged(), [])
})

t.test('a rotation that the table refuses changes nothing', async t => {
  const api = await startApi(t)
  const { apiKey } = await api.create()
  await api.gateway.database.pool.query(`alter table api_keys add constraint frozen check (key_prefix = '${apiKey.prefix}')`)
  t.match(await api.call('POST', `/v1/keys/${apiKey.id}/rotate`), refused('23514, constraint frozen'))
  t.match((await api.call('GET', `/v1/keys/${apiKey.id}`)).body, { prefix: apiKey.prefix, earlierSecrets: [] })
})
