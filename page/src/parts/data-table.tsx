import type { ComponentChildren } from 'preact'

export interface Column<T> {
  readonly id: string
  readonly label: string
  readonly isNumeric?: boolean
  readonly cell: (row: T) => ComponentChildren
}

/**
 * A table on a desktop, cards on a phone. The roles are spelt out because a table that CSS shows as cards would
 * otherwise no longer be one to a screen reader.
 */
export function DataTable<T> ({ caption, columns, rows, idOf, linkOf, isBusy = false }: {
  readonly caption: string
  /** The first one names the row. */
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly idOf: (row: T) => string | number
  /** Where a click anywhere on the row leads; the first cell holds the link itself. */
  readonly linkOf?: (row: T) => string
  readonly isBusy?: boolean
}) {
  return (
    <table class={linkOf === undefined ? 'table' : 'table table-linked'} role='table' aria-busy={isBusy}>
      <caption class='visually-hidden'>{caption}</caption>
      <thead role='rowgroup'>
        <tr role='row'>
          {columns.map(({ id, label, isNumeric }) => <th key={id} role='columnheader' scope='col' class={isNumeric ? `cell-${id} numeric` : `cell-${id}`}>{label}</th>)}
        </tr>
      </thead>
      <tbody role='rowgroup'>
        {rows.map(row => (
          <tr key={idOf(row)} role='row' onClick={linkOf && (event => openRow(event, linkOf(row)))}>
            {columns.map(({ id, label, isNumeric, cell }, index) => index === 0
              ? <th key={id} role='rowheader' scope='row' class={`cell-${id}`}>{cell(row)}</th>
              : <td key={id} role='cell' class={isNumeric ? `cell-${id} numeric` : `cell-${id}`}><span class='cell-label' aria-hidden='true'>{label}</span><span class='cell-value'>{cell(row)}</span></td>)}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Unless the click was on a link or button of the row's own, or ended a selection of text. */
function openRow (event: MouseEvent, link: string): void {
  if (event.target instanceof Element && event.target.closest('a, button, input, summary') !== null) return
  if (getSelection()?.isCollapsed === false) return
  if (event.metaKey || event.ctrlKey) window.open(link, '_blank', 'noopener')
  else location.hash = link
}
