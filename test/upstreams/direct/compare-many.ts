import type { Test } from 'tap'
import { compare } from './compare.ts'
import type { Answer } from './outcome.ts'
import { Reference } from './reference.ts'

export interface Split {
  readonly answer: Answer
  readonly offsets: readonly number[]
}

const atATime = 32
const failuresMax = 10

/** Compares the parser with undici on each, and reports what differs by its number. */
export async function compareMany (t: Test, answers: Iterable<Split>): Promise<void> {
  const reference = await Reference.start()
  const waiting = numbered(answers)
  let compared = 0
  let failures = 0
  await Promise.all(Array.from({ length: atATime }, async () => {
    for (const [index, { answer, offsets }] of waiting) {
      const fault = await compare(reference, answer, offsets)
      compared++
      if (fault === null) continue
      t.fail(`number ${index}: ${fault}`, { answer: JSON.stringify(answer), offsets: offsets.join() })
      if (++failures >= failuresMax) return
    }
  }))
  await reference.close()
  t.ok(compared > 0)
  t.comment(`${compared} answers compared`)
}

function * numbered (answers: Iterable<Split>): Generator<readonly [number, Split]> {
  let index = 0
  for (const answer of answers) yield [index++, answer]
}
