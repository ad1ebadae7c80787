import { isConnectionHeader } from '../header-names.ts'
import { singletons } from '../answer.ts'

/** What becomes of a header line. `one`: passed on the first time only. */
export type HeaderKind = 'passed' | 'one' | 'dropped' | 'content-length' | 'transfer-encoding' | 'connection' | 'proxy-connection' | 'keep-alive'

/** A header's name in one spelling. */
export interface HeaderName {
  readonly sent: string
  readonly lowerCase: string
  readonly kind: HeaderKind
  /** A bit of its own for those of kind `one`. */
  readonly bit: number
}

const spellingsMax = 512
const spellingCharsMax = 64
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const bits = new Map([...singletons].map((name, i) => [name, 1 << i]))

const kinds = new Map<string, HeaderKind>([
  ['content-length', 'content-length'], ['transfer-encoding', 'transfer-encoding'], ['connection', 'connection'],
  ['proxy-connection', 'proxy-connection'], ['keep-alive', 'keep-alive'], ['__proto__', 'dropped'],
])

/**
 * The spellings of header names that upstreams use, so that each is checked and put into lower case once. Bounded:
 * the first ones stay, any further ones are looked at each time.
 */
export class HeaderNames {
  readonly #known = new Map<string, HeaderName>()

  /** Null: this can't be a header's name (RFC 9110, 5.1). */
  get (sent: string): HeaderName | null {
    return this.#known.get(sent) ?? this.#read(sent)
  }

  /** Whether the line, which has no control characters, is one of a header (RFC 9112, 5), by its name. */
  isHeaderLine (line: string): boolean {
    const colon = line.indexOf(':')
    return colon !== -1 && this.get(line.slice(0, colon)) !== null
  }

  #read (sent: string): HeaderName | null {
    if (!token.test(sent)) return null
    const lowerCase = sent.toLowerCase()
    const bit = bits.get(lowerCase) ?? 0
    const kind = kinds.get(lowerCase) ?? (isConnectionHeader(lowerCase) ? 'dropped' : bit === 0 ? 'passed' : 'one')
    const name: HeaderName = { sent, lowerCase, kind, bit }
    if (this.#known.size < spellingsMax && sent.length <= spellingCharsMax) this.#known.set(sent, name)
    return name
  }
}
