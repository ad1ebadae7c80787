import t from 'tap'
import { HeaderNames } from '../../../src/upstreams/direct/header-names.ts'
import { everyOffset, isSame } from './compare.ts'
import { corpus } from './corpus.ts'
import { readAnswer } from './read-answer.ts'

const wholeMax = 400
const edgeMax = 25

t.test('an answer is read the same wherever it is split, and whatever was read before', async t => {
  const names = new HeaderNames()
  for (const { name, text } of corpus) {
    const offsets = someOffsets(text)
    for (const isHead of [false, true]) {
      const answer = { text, isHead, isEnded: true }
      const whole = readAnswer(answer)
      const differing = offsets.find(offset => !isSame(whole, readAnswer(answer, [offset], names)))
      if (differing !== undefined) t.fail(`${name}: differs when split at ${differing}`)
      if (!isSame(whole, readAnswer(answer, offsets, names))) t.fail(`${name}: differs byte by byte`)
      if (!isSame(whole, readAnswer(answer, [], names))) t.fail(`${name}: differs behind other answers`)
    }
  }
  t.ok(corpus.length > 150)
})

/** All; of a long text those at its ends. */
function someOffsets (text: string): number[] {
  const offsets = [...everyOffset(text)]
  return offsets.length <= wholeMax ? offsets : [...offsets.slice(0, edgeMax), ...offsets.slice(-edgeMax)]
}
