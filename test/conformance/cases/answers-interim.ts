import { type CaseGroup, head } from '../case.ts'
import { answer, answered, answeredAndEnded, ok, passedOn, replaced } from './answers.ts'

const okBody = { body: 'ok' }
const hints = answer('HTTP/1.1 103 Early Hints', ['Link: </a.css>'])
const go = answer('HTTP/1.1 100 Continue')
const post = head('POST /x HTTP/1.1', 'Content-Length: 5')

export const interimAnswers: CaseGroup = {
  title: 'interim answers',
  cases: [
    answered('100 that nobody asked for', 'RFC 9110 §15.2', go + ok(), passedOn(okBody)),
    { name: '100 that nobody asked for, to a POST', rfc: 'RFC 9110 §15.2', send: `${post}hello`, upstream: { answer: go + ok() }, expect: passedOn(okBody) },
    answered('102', 'RFC 9110 §15.2', answer('HTTP/1.1 102 Processing') + ok(), passedOn(okBody)),
    answered('103', 'RFC 9110 §15.2', hints + ok(), passedOn(okBody)),
    answered('199', 'RFC 9110 §15.2', answer('HTTP/1.1 199 Odd') + ok(), passedOn(okBody)),
    answered('many of them', 'RFC 9110 §15.2', (hints + go).repeat(1_000) + ok(), { ...passedOn(okBody), rfc: 'either' }),
    { name: 'in pieces', rfc: 'RFC 9110 §15.2', send: `${post}hello`, upstream: { answer: [...`${hints}${go}${ok()}`].map(write => ({ write })) }, expect: passedOn(okBody) },
    answered('with a body', 'RFC 9110 §15.2', answer('HTTP/1.1 103 Early Hints', ['Content-Length: 2'], 'no') + ok(), { ...replaced, rfc: 'either' }),
    answered('with a head of 20,000 bytes', 'contract', answer('HTTP/1.1 103 Early Hints', [`Link: ${'x'.repeat(20_000)}`]) + ok(), { ...replaced, rfc: 'either' }),
    answeredAndEnded('and nothing else', 'RFC 9112 §8', hints, replaced),
    answered('101 that nobody asked for', 'RFC 9110 §15.2.2', `${answer('HTTP/1.1 101 Switching Protocols', ['Upgrade: x', 'Connection: upgrade'])}hello`, replaced),
    answered('101 that nobody asked for, without Upgrade', 'RFC 9110 §15.2.2', answer('HTTP/1.1 101 Switching Protocols') + ok(), { ...replaced, rfc: 'either' }),
    answered('101 behind 103', 'RFC 9110 §15.2.2', `${hints}${answer('HTTP/1.1 101 Switching Protocols', ['Upgrade: x', 'Connection: upgrade'])}hello`, replaced),
    answered('426 that advertises an upgrade', 'RFC 9110 §15.5.22', answer('HTTP/1.1 426 Upgrade Required', ['Upgrade: x', 'Connection: upgrade', 'Content-Length: 2'], 'ok'), { ...passedOn({ status: 426, body: 'ok', lacks: ['upgrade'] }), rfc: 'either' }),
    answered('200 that advertises h2c', 'RFC 9110 §7.8', ok('Upgrade: h2c', 'Connection: upgrade'), passedOn({ body: 'ok', lacks: ['upgrade'] })),
  ],
}
