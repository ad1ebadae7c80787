// npm run bench:chart -- FILE: makes docs/bench.svg, and the tables between the markers of docs/performance.md, from the
// JSON that npm run bench -- --json FILE wrote.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { barChart, type BarPanel } from './charts/bars.ts'
import { type Results, type Section, tableOf } from './results.ts'

const docs = join(import.meta.dirname, '../docs')
const markers = { begin: '<!-- bench: begin -->', end: '<!-- bench: end -->' }

const [file] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('npm run bench:chart -- FILE, which npm run bench -- --json FILE wrote\n')
  process.exitCode = 2
} else {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results
  const hot = results.sections.find(({ scenario }) => scenario === 'hot')
  if (hot !== undefined) writeFileSync(join(docs, 'bench.svg'), barChart(panelsOf(hot), 'CPU time a request and latency of Latchkey and its peers'))
  const page = join(docs, 'performance.md')
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), results))
}

function panelsOf ({ rows }: Section): BarPanel[] {
  const number = (row: Section['rows'][number], column: string) => typeof row[column] === 'number' ? row[column] : null
  const all = rows.map(row => ({ label: String(row['peer']), cpu: number(row, 'CPU µs/request'), p50: number(row, 'p50 ms'), p99: number(row, 'p99 ms') }))
  const bare = all.find(({ label }) => label.startsWith('bare @fastify/http-proxy'))?.cpu
  const isOurs = (label: string) => label.startsWith('Latchkey')
  return [{
    title: 'CPU time a request, µs',
    subtitle: '1,000 keys, 158-byte answers, 64 connections, one core; the bare proxy checks and records nothing',
    bars: all.flatMap(({ label, cpu }) => cpu === null ? [] : [{ label, isOurs: isOurs(label), value: cpu, note: `${cpu}${bare ? ` · ${(cpu / bare).toFixed(2)} × bare proxy` : ''}` }]),
  }, {
    title: 'Latency at the same fixed rate, ms',
    subtitle: 'p50 dark, p99 light; open loop, timed from when each request was due',
    bars: all.flatMap(({ label, p50, p99 }) => p50 === null || p99 === null ? [] : [{ label, isOurs: isOurs(label), value: p50, further: p99, note: `${p50} / ${p99}` }]),
  }]
}

function withTables (page: string, { sections, measuredAt, node, processor, cores, rounds, seconds }: Results): string {
  const begin = page.indexOf(markers.begin)
  const end = page.indexOf(markers.end)
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md lacks ${markers.begin} and ${markers.end}`)
  const about = `Measured on ${measuredAt.slice(0, 10)} with Node ${node.slice(1)} on ${cores} cores (${processor.trim()}): medians of ${rounds} rounds of ${seconds} s.`
  const tables = sections.map(({ title, rows, notes }) => `### ${title}\n\n${tableOf(rows)}\n\n${notes.map(note => `- ${note}\n`).join('')}`)
  return `${page.slice(0, begin + markers.begin.length)}\n${about}\n\n${tables.join('\n')}${page.slice(end)}`
}
