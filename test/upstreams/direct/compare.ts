import { isDeepStrictEqual } from 'node:util'
import type { Answer, Outcome } from './outcome.ts'
import { readAnswer } from './read-answer.ts'
import type { Reference } from './reference.ts'

/** Faults that the parser finds on purpose where undici, behind its guard, finds none: stricter-than-undici.test.ts says why. */
const stricter = new Set([
  'an endless head', 'an endless chunk size', 'endless chunk extensions', 'endless trailers', 'endless interim answers',
  'an invalid chunk extension', 'an invalid trailer', 'an invalid chunk size', 'a bare CR or LF in the head',
])

/** undici leaves blanks behind a value in it, and then finds that a body isn't as long as that (RFC 9112, 5.1). */
const lengthWithBlanks = /^content-length:.*[ \t]\r\n/im

const bytewiseMax = 1_000

/** Null, or what is wrong: the parser must pass on the same as the reference, or less where that is meant. */
export async function compare (reference: Reference, answer: Answer, offsets: readonly number[]): Promise<string | null> {
  const ours = readAnswer(answer, offsets)
  const bytewise = answer.text.length > bytewiseMax ? [] : everyOffset(answer.text)
  for (const other of [readAnswer(answer), readAnswer(answer, bytewise)]) {
    if (!isSame(ours, other)) return `depends on how it is split: ${show(ours)} and ${show(other)}`
  }
  // How long undici would wait for more is of no interest.
  if (ours.kind === 'waiting') return null
  if (!answer.isEnded && ours.kind !== 'passed') return null
  const theirs = await reference.ask(answer, offsets)
  return isHarmless(ours, theirs, answer) ? null : `ours: ${show(ours)}; undici's: ${show(theirs)}`
}

export function * everyOffset (text: string): Generator<number> {
  for (let offset = 1; offset < text.length; offset++) yield offset
}

/** Faults may be noticed at different places. */
export function isSame (one: Outcome, other: Outcome): boolean {
  return isDeepStrictEqual({ ...one, fault: '' }, { ...other, fault: '' })
}

function isHarmless (ours: Outcome, theirs: Outcome, { text, isEnded }: Answer): boolean {
  switch (ours.kind) {
    case 'passed':
      if (theirs.kind === 'refused' && theirs.fault.startsWith('ResponseContentLengthMismatchError') && lengthWithBlanks.test(text)) return true
      if (theirs.kind !== 'passed' || ours.body !== theirs.body || !isDeepStrictEqual(ours.head, theirs.head)) return false
      return isEnded || theirs.isReusable || !ours.isReusable
    case 'broken':
      return theirs.kind !== 'refused' && isDeepStrictEqual(ours.head, theirs.kind === 'waiting' ? null : theirs.head) && (theirs.kind === 'broken' || isStricter(ours.fault, text))
    case 'refused':
      return theirs.kind === 'refused' || isStricter(ours.fault, text)
    case 'waiting':
      return false
  }
}

function isStricter (fault: string, text: string): boolean {
  return stricter.has(fault) || (fault === 'an invalid status line' && text.includes('\r\r')) || fault.endsWith('(of an interim answer)')
}

function show (outcome: Outcome): string {
  return JSON.stringify(outcome).slice(0, 400)
}
