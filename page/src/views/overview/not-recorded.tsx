import { Empty } from '../../parts/empty.tsx'

export function NotRecorded () {
  return (
    <Empty icon='overview' title='This gateway records no usage.'>
      <p>Its configuration says <code>usage: {'{'} store: none {'}'}</code>. Set <code>store: postgres</code> and start it again to see traffic here.</p>
    </Empty>
  )
}
