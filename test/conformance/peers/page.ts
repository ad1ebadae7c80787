import type { Case, CaseGroup } from '../case.ts'
import type { Verdict, Violation } from '../judge.ts'

export interface Column {
  readonly name: string
  readonly version: string
  /** One a case, in the order of the groups. */
  readonly verdicts: readonly Verdict[]
  /** How often the process ended and was started anew. */
  readonly crashes: number
}

const kinds: Readonly<Record<Violation, string>> = {
  'forwarded what is forbidden': 'Forwarded what the RFCs forbid',
  'second request executed': 'Executed a second request',
  hung: 'Hung',
  'upset by the exchange': 'Failed the next client\'s request',
  'malformed answer': 'Sent a malformed answer',
  'changed on its way': 'Changed or lost something on its way',
  'refused what is valid': 'Refused what is valid',
  'against a SHOULD': 'Against a SHOULD',
}

/** docs/conformance.md: a summary, and the table of all cases. */
export function conformancePage (groups: readonly CaseGroup[], columns: readonly Column[]): string {
  const cases = groups.flatMap(group => group.cases)
  const judged = cases.flatMap((it, i) => it.rule === 'latchkey' ? [] : [i])
  const own = cases.flatMap((it, i) => it.rule === 'latchkey' ? [i] : [])
  const count = ({ verdicts }: Column, among: readonly number[], holds: (verdict: Verdict) => boolean) => among.filter(i => holds(verdicts[i]!)).length
  return `# Conformance

<!-- Written by \`npm run conformance\`. -->

${cases.length} exchanges, written byte for byte on raw sockets, with both sides observed: what the client sent and got, and what the upstream received. ${judged.length} are judged by RFC 9110 and 9112 alone, the same for every proxy; ${own.length} are about rules of Latchkey's own, where the others' cells only say what they do. \`npm test\` runs them all against Latchkey, \`npm run conformance\` runs them against all four and writes this page.

What counts: a MUST of the RFCs for what was received, and for what is sent on, that it matches the grammar (RFC 9110, 2.2), save for a few printable characters in targets that browsers send, too. Where the RFCs leave a choice, either is right.

The peers are Debian's packages and the npm package with the smallest configuration that proxies HTTP/1.1 with kept-alive connections. Each has settings that make it stricter or more lenient. Nothing here says that a peer can be broken into: that takes an upstream that reads the same bytes differently.

## Summary

${row('', ...columns.map(({ name, version }) => `${name} ${version}`))}
${row('---', ...columns.map(() => '---:'))}
${row('Cases judged', ...columns.map(() => String(judged.length)))}
${row('Handled right', ...columns.map(column => String(count(column, judged, ({ violations }) => violations.length === 0))))}
${Object.entries(kinds).map(([kind, label]) => row(label, ...columns.map(column => String(count(column, judged, ({ violations }) => violations.some(violation => violation.kind === kind)))))).join('\n')}
${row('The process crashed', ...columns.map(({ crashes }) => String(crashes)))}
${row('Latchkey\'s own rules kept', ...columns.map((column, i) => i === 0 ? `${count(column, own, ({ violations, deviations }) => violations.length + deviations.length === 0)} of ${own.length}` : '–'))}

A case can count in several lines.

## How to read the tables

| verdict | meaning |
| --- | --- |
| served | the request ran at the upstream, and its answer arrived |
| mended | the same for a request that wasn't valid as it came: it was forwarded rebuilt, as the RFCs allow there |
| refused 400 | the proxy answered itself, and nothing ran |
| closed | the proxy closed the connection without an answer |
| ran, 400 | the upstream ran the request, the client was told otherwise |
| 200, 400 | the answers to several requests, in order |
| 200 cut | the answer was broken off, so that it can't be taken for a whole one |
| **bold** | against the RFCs, with what was wrong |

${sections(groups, columns).join('\n\n')}
`
}

function sections (groups: readonly CaseGroup[], columns: readonly Column[]): string[] {
  let next = 0
  return groups.map(({ title, cases }) => {
    const lines = cases.map(it => {
      const i = next++
      return row(escape(it.name), it.rfc, ...columns.map(({ verdicts }, column) => cell(it, verdicts[i]!, column === 0)))
    })
    return [`## ${title.charAt(0).toUpperCase()}${title.slice(1)}`, '', row('case', 'rule', ...columns.map(({ name }) => name)), row(...['', '', ...columns].map(() => '---')), ...lines].join('\n')
  })
}

function cell ({ rule }: Case, { outcome, violations, deviations }: Verdict, isOurs: boolean): string {
  if (rule === 'latchkey' && !isOurs) return `*${outcome}*`
  if (violations.length > 0) return `${outcome}; **${[...new Set(violations.map(({ kind }) => kind))].join(', ')}**: ${escape(violations.map(({ detail }) => detail).join('; ').slice(0, 120))}`
  return isOurs && deviations.length > 0 ? `${outcome}; **not as expected**` : outcome
}

/** Control and 8-bit characters as JSON writes them. */
function escape (text: string): string {
  const written = [...text].map(character => character < ' ' || character > '~' ? JSON.stringify(character).slice(1, -1).replace(/^[\x7f-\xff]$/, odd => `\\x${odd.charCodeAt(0).toString(16)}`) : character).join('')
  return written.replace(/[|<>*_`\\[\]]/g, '\\$&')
}

function row (...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
