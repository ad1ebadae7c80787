import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'
import type { Document, Pair, ParsedNode, YAMLError } from 'yaml'

/** The way to a value from the top: keys of maps and places in lists. */
export type ValuePath = readonly (string | number)[]

export interface Place {
  readonly line: number
  readonly column: number
}

export interface SourceFault extends Place {
  readonly message: string
}

const ALIASES_MAX = 100

/** A YAML text: its value, what is wrong with it as YAML, and where each value stands. */
export class YamlSource {
  /** Undefined where the text is too broken to have one. */
  readonly value: unknown
  readonly faults: readonly SourceFault[]
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor (text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, stringKeys: true, resolveKnownTags: false })
    const { errors, warnings } = this.#document
    const faults = [...errors, ...warnings].map((err) => ({ ...this.#placeAt(err.pos[0]), message: messageOf(err) }))
    // A key that stands twice leaves a value that can be checked further; anything else makes guesses of it.
    const lostAliases = this.#lostAliases()
    faults.push(...lostAliases)
    if (lostAliases.length === 0 && errors.every((err) => err.code === 'DUPLICATE_KEY')) {
      try {
        const value: unknown = this.#document.toJS({ maxAliasCount: ALIASES_MAX })
        // Throws where an anchor holds itself, which yaml resolves into a circle.
        JSON.stringify(value)
        this.value = value
      } catch {
        faults.push({ line: 1, column: 1, message: 'aliases are nested too deeply: write the values out' })
      }
    }
    this.faults = faults
  }

  /** Where a value stands, or its key; where the path leads nowhere, the nearest thing around it. */
  placeOf (path: ValuePath, part: 'key' | 'value'): Place {
    let node: ParsedNode | null = this.#document.contents
    let start = node?.range[0] ?? 0
    for (const [index, step] of path.entries()) {
      const pair = pairOf(node, step)
      node = this.#resolved(pair === null ? itemOf(node, step) : pair.value)
      const keyStart = pair?.key.range[0]
      const isKeyWanted = index === path.length - 1 && part === 'key'
      if (keyStart !== undefined && (isKeyWanted || isEmpty(node))) start = keyStart
      else if (node !== null) start = node.range[0]
      else break
    }
    return this.#placeAt(start)
  }

  #lostAliases (): SourceFault[] {
    const faults: SourceFault[] = []
    visit(this.#document, {
      Alias: (_key, alias) => {
        if (alias.resolve(this.#document) !== undefined) return
        faults.push({ ...this.#placeAt(alias.range?.[0] ?? 0), message: `alias *${alias.source} has no anchor before it: quote text that begins with *` })
      },
    })
    return faults
  }

  #resolved (node: ParsedNode | null): ParsedNode | null {
    if (!isAlias(node)) return node
    // Only parsed nodes are in a parsed document.
    return (node.resolve(this.#document) as ParsedNode | undefined) ?? null
  }

  #placeAt (offset: number): Place {
    const { line, col } = this.#lines.linePos(Math.max(0, offset))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

function pairOf (node: ParsedNode | null, key: string | number): Pair<ParsedNode, ParsedNode | null> | null {
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return null
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key)) ?? null
}

function itemOf (node: ParsedNode | null, index: string | number): ParsedNode | null {
  return isSeq<ParsedNode>(node) && typeof index === 'number' ? node.items[index] ?? null : null
}

function isEmpty (node: ParsedNode | null): boolean {
  return node === null || (isScalar(node) && node.value === null)
}

function messageOf (err: YAMLError): string {
  switch (err.code) {
    case 'DUPLICATE_KEY': return 'this key stands here a second time: keep one'
    case 'MULTIPLE_DOCS': return 'a second document begins here: a configuration is one document'
    case 'TAB_AS_INDENT': return 'a tab is used for indentation: use spaces'
    case 'BAD_ALIAS': return 'not an alias: quote text that begins with *'
    default: return `not valid YAML: ${err.message.split('\n', 1)[0]}`
  }
}
