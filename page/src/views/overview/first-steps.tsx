import { curlLine } from '../../format/curl.ts'
import { Card } from '../../parts/card.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ShellLine } from '../../parts/shell-line.tsx'
import { useSession } from '../../session.ts'
import { useLoad } from '../../state/use-load.ts'

/** No traffic yet: what to do about it, depending on whether there are keys. */
export function FirstSteps ({ words }: { readonly words: string }) {
  const { api, gateway, canWrite } = useSession()
  const { data } = useLoad(async signal => {
    const [keys, routes] = await Promise.all([api.keys({ limit: 1, status: 'active' }, signal), api.routes(signal)])
    return { hasKey: keys.data.length > 0, line: curlLine(gateway, routes.data, keys.data[0]?.scopes ?? [], 'YOUR_KEY') }
  }, [api])
  if (data === null) return null
  if (!data.hasKey) {
    return (
      <Card title='Get started'>
        <Empty icon='key' title='No key exists yet.'>
          <p>Create one, and the line to call the gateway with it comes along.</p>
          {canWrite ? <p><a class='button button-primary' href='#/keys/new'>Create a key</a></p> : <p class='hint'>This token may only read. Ask somebody with a write token.</p>}
        </Empty>
      </Card>
    )
  }
  return (
    <Card title='No requests yet' note={`Nothing came with a key in the ${words}. Send a first one:`}>
      {data.line === null
        ? <p class='nothing'>No route is open to the newest key. <a href='#/routes'>See the routes</a> and the scopes that they ask for.</p>
        : <ShellLine line={data.line} label='Copy the curl line' />}
      <p class='hint'>It shows up here a second or two later.</p>
    </Card>
  )
}
