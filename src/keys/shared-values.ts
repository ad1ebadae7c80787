import { LRUCache } from 'lru-cache'

/** Values that are remembered, and how long a list may be: what few keys have saves nothing by being shared. */
const distinctMax = 2_000
const listLengthMax = 50

/** Keeps one copy of what many keys have alike: their lists of scopes and their environments. */
export class SharedValues {
  readonly #lists = new LRUCache<string, readonly string[]>({ max: distinctMax })
  readonly #texts = new LRUCache<string, string>({ max: distinctMax })

  /** A frozen list of what `parse` finds in this text, which it isn't asked again for a text that is remembered. */
  list (text: string, parse: (text: string) => readonly string[]): readonly string[] {
    const known = this.#lists.get(text)
    if (known !== undefined) return known
    const texts = parse(text)
    if (texts.length > listLengthMax) return Object.freeze([...texts])
    const list = Object.freeze(texts.map((text) => this.text(text)))
    this.#lists.set(text, list)
    return list
  }

  text (text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    this.#texts.set(text, text)
    return text
  }
}
