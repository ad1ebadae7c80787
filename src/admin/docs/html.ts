/** Text, safe within an element or a quoted attribute. */
export function escaped (text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** A text of the document: what stands between backticks is code. */
export function prose (text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

export interface Table {
  /** What a screen reader announces. */
  readonly label: string
  readonly columns: readonly string[]
  /** HTML; the first cell of a row names it. */
  readonly rows: readonly (readonly string[])[]
}

/** Scrolls by itself where it is wider than a phone, by keyboard as well. */
export function table ({ label, columns, rows }: Table): string {
  const head = columns.map(column => `<th scope="col">${column}</th>`).join('')
  const body = rows.map(([name, ...cells]) => `<tr><th scope="row">${name}</th>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`).join('\n')
  return `<div class="wide" role="region" aria-label="${escaped(label)}" tabindex="0">
<table><thead><tr>${head}</tr></thead><tbody>
${body}
</tbody></table></div>`
}
