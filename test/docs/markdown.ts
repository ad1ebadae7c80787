import { readFileSync } from 'node:fs'
import path from 'node:path'

/** What the comment before a fenced block says is to be done with it. */
export type Marker =
  /** The block is this file, or what it has from the first line on that begins with `from`. */
  | { readonly kind: 'file', readonly name: string, readonly from: string | null }
  /** The block runs on in a terminal of its own, and has begun once it printed this. */
  | { readonly kind: 'terminal', readonly until: string }
  | { readonly kind: 'not run', readonly reason: string }

export interface Block {
  readonly page: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly heading: string
  readonly language: string
  readonly text: string
  readonly marker: Marker | null
}

const root = path.join(import.meta.dirname, '../..')
const fence = /^( *)```(\S*)$/
const comment = /^ *<!-- (.*) -->$/

/** A page of docs/, as its source is. */
export function readPage (page: string): string {
  return readFileSync(path.join(root, 'docs', page), 'utf8')
}

/** The fenced blocks of a page, in their order. Those within a list lose its indentation. Throws for what nobody would notice otherwise: a marker without its block, or of no known kind. */
export function blocksOf (page: string, source: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let marker: Marker | null = null
  let open: { readonly indent: string, readonly language: string, readonly line: number, readonly lines: string[] } | null = null
  for (const [index, text] of source.split('\n').entries()) {
    const line = index + 1
    const fenced = fence.exec(text)
    if (open !== null) {
      if (fenced?.[1] !== open.indent || fenced[2] !== '') {
        open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text)
        continue
      }
      blocks.push({ page, line: open.line, heading, language: open.language, text: open.lines.join('\n'), marker })
      open = null
      marker = null
    } else if (fenced !== null) {
      open = { indent: fenced[1] ?? '', language: fenced[2] ?? '', line, lines: [] }
    } else if (text.startsWith('#')) {
      heading = text
    } else if (comment.test(text)) {
      if (marker !== null) throw new Error(`${page}:${line}: two comments before one block`)
      marker = markerOf(comment.exec(text)?.[1] ?? '', `${page}:${line}`)
    } else if (text.trim() !== '' && marker !== null) {
      throw new Error(`${page}:${line}: a comment that no block follows`)
    }
  }
  if (open !== null || marker !== null) throw new Error(`${page}: ends within a block, or before one`)
  return blocks
}

function markerOf (text: string, place: string): Marker {
  const [, name, from = null] = /^file: (\S+?)(?:, from "(.+)" on)?$/.exec(text) ?? []
  if (name !== undefined) return { kind: 'file', name, from }
  const [, until] = /^terminal, until it prints "(.+)"$/.exec(text) ?? []
  if (until !== undefined) return { kind: 'terminal', until }
  const [, reason] = /^not run: (.+)$/.exec(text) ?? []
  if (reason !== undefined) return { kind: 'not run', reason }
  throw new Error(`${place}: a comment of no known kind: ${text}`)
}
