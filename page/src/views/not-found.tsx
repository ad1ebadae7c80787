import { Empty } from '../parts/empty.tsx'
import { ViewHead } from '../parts/view-head.tsx'

export function NotFound () {
  return (
    <>
      <ViewHead title='Nothing here' />
      <Empty icon='search' title='This address leads nowhere.'><p><a class='button' href='#/'>To the overview</a></p></Empty>
    </>
  )
}
