import { randomFillSync } from 'node:crypto'

const poolSize = 256
const digits = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))

/**
 * Makes ids of random hex digits in a fixed form, many at a time: one then costs little more than cutting it out of a
 * text. In `form`, each x stands for a random digit, a y for one of 8, 9, a and b, and anything else for itself.
 */
export class HexIds {
  readonly #form: string
  readonly #random: Uint8Array
  readonly #characters: Buffer
  #pool = ''
  #used = 0

  constructor (form: string) {
    this.#form = form
    this.#random = new Uint8Array(form.length * poolSize)
    this.#characters = Buffer.alloc(form.length * poolSize)
  }

  next (): string {
    if (this.#used === this.#pool.length) this.#fill()
    const at = this.#used
    this.#used = at + this.#form.length
    return this.#pool.slice(at, this.#used)
  }

  #fill (): void {
    const characters = this.#characters
    const random = randomFillSync(this.#random)
    const { length } = this.#form
    for (let at = 0; at < characters.length; at++) {
      const character = this.#form.charCodeAt(at % length)
      characters[at] = character === x ? digits[random[at]! & 15]! : character === y ? digits[8 + (random[at]! & 3)]! : character
    }
    this.#pool = characters.toString('latin1')
    this.#used = 0
  }
}

const x = 120
const y = 121
