import { type Case, type CaseGroup, head } from '../case.ts'
import { answer, answered, answeredAndEnded, brokenOff, chunked, get, ok, passedOn, replaced } from './answers.ts'

const chunks = '2\r\nok\r\n0\r\n\r\n'
const evil = answer('HTTP/1.1 200 OK', ['X-Evil: yes', 'Content-Length: 4'], 'evil')

function toHead (name: string, bytes: string, lengthPassedOn?: string): Case {
  return {
    name: `HEAD: ${name}`,
    rfc: 'RFC 9110 §9.3.2',
    // Whatever body follows would be taken for the next answer.
    send: [{ write: head('HEAD /x HTTP/1.1') }, { sees: '\r\n\r\n' }, { write: head('HEAD /y HTTP/1.1') }],
    upstream: { answer: bytes },
    expect: passedOn(...[1, 2].map(() => lengthPassedOn === undefined ? {} : { has: { 'content-length': lengthPassedOn } })),
  }
}

function bodyless (status: number, name: string, bytes: string, expect: Partial<Case['expect']> = {}): Case {
  return {
    name: `${status} ${name}`,
    rfc: 'RFC 9112 §6.3',
    send: [{ write: get }, { sees: '\r\n\r\n' }, { write: get }],
    upstream: { answer: bytes },
    expect: { ...passedOn({ status, body: '' }, { status, body: '' }), ...expect },
  }
}

const post = head('POST /x HTTP/1.1', 'Content-Length: 10')
const postChunked = head('POST /x HTTP/1.1', 'Transfer-Encoding: chunked')

export const bodiesOfAnswers: CaseGroup = {
  title: 'bodies where there are none, second answers, early answers',
  cases: [
    toHead('a length', answer('HTTP/1.1 200 OK', ['Content-Length: 1234']), '1234'),
    toHead('a length and a body', ok(), '2'),
    toHead('chunked, without a body', chunked('')),
    toHead('chunked, with a body', chunked(chunks)),
    toHead('neither length nor coding', answer('HTTP/1.1 200 OK')),
    bodyless(204, 'without a length', answer('HTTP/1.1 204 No Content')),
    bodyless(204, 'with a length of 0', answer('HTTP/1.1 204 No Content', ['Content-Length: 0'])),
    bodyless(204, 'with a body', answer('HTTP/1.1 204 No Content', ['Content-Length: 2'], 'ok')),
    bodyless(204, 'with a chunked body', answer('HTTP/1.1 204 No Content', ['Transfer-Encoding: chunked'], chunks)),
    bodyless(304, 'with the length of what it leaves out', answer('HTTP/1.1 304 Not Modified', ['ETag: "a"', 'Content-Length: 200'])),
    bodyless(304, 'with a body', answer('HTTP/1.1 304 Not Modified', ['Content-Length: 2'], 'ok')),
    bodyless(304, 'with a chunked body', answer('HTTP/1.1 304 Not Modified', ['Transfer-Encoding: chunked'], chunks)),
    bodyless(205, 'with a length of 0', answer('HTTP/1.1 205 Reset Content', ['Content-Length: 0'])),
    { ...bodyless(205, 'with a body', answer('HTTP/1.1 205 Reset Content', ['Content-Length: 2'], 'ok'), { rfc: 'either' }), rule: 'latchkey' },

    answered('two answers at once', 'RFC 9112 §9.2', ok() + evil, passedOn({ body: 'ok', lacks: ['x-evil'] })),
    answered('two chunked answers at once', 'RFC 9112 §9.2', chunked(chunks) + evil, passedOn({ body: 'ok', lacks: ['x-evil'] })),
    { name: 'a second answer when the first has been passed on', rfc: 'RFC 9112 §9.2', send: [{ write: get }, { sees: 'ok' }, { until: 'upstreamCloses' }, { write: head('GET /sentinel-second HTTP/1.1') }], upstream: { answer: [{ write: ok() }, { clientSees: 'ok' }, { write: evil }] }, expect: { rfc: 'serve', statuses: [200, 200], executed: 1, answers: [{ body: 'ok' }, { body: 'ran GET /sentinel-second', lacks: ['x-evil'] }] } },
    answered('garbage behind an answer', 'RFC 9112 §9.2', `${ok()}garbage`, passedOn({ body: 'ok' })),
    answered('a line break behind an answer', 'RFC 9112 §2.2', `${ok()}\r\n`, passedOn({ body: 'ok' })),
    answered('a second answer behind a 204', 'RFC 9112 §9.2', answer('HTTP/1.1 204 No Content') + evil, passedOn({ status: 204, lacks: ['x-evil'] })),
    answered('a second answer behind a 304', 'RFC 9112 §9.2', answer('HTTP/1.1 304 Not Modified') + evil, passedOn({ status: 304, lacks: ['x-evil'] })),

    { name: 'an answer before the body has come', rfc: 'RFC 9112 §9.5', send: [{ write: `${post}12345` }, { sees: 'early' }], upstream: { at: 'head', answer: answer('HTTP/1.1 200 OK', ['Content-Length: 5'], 'early') }, expect: { ...passedOn({ body: 'early' }), executed: 0, closes: true } },
    { name: 'an answer before the chunked body has come', rfc: 'RFC 9112 §9.5', send: [{ write: `${postChunked}5\r\n12345\r\n` }, { sees: 'early' }], upstream: { at: 'head', answer: answer('HTTP/1.1 200 OK', ['Content-Length: 5'], 'early') }, expect: { ...passedOn({ body: 'early' }), executed: 0, closes: true } },
    { name: 'a refusal before the body has come, and an end', rfc: 'RFC 9112 §9.5', send: [{ write: `${post}12345` }, { sees: 'early' }], upstream: { at: 'head', answer: [{ write: answer('HTTP/1.1 403 Forbidden', ['Connection: close', 'Content-Length: 5'], 'early') }, { do: 'end' }] }, expect: { ...passedOn({ status: 403, body: 'early' }), executed: 0, closes: true } },
    { name: 'nothing behind an early answer is a request', rfc: 'RFC 9112 §9.6', send: [{ write: `${post}12345` }, { sees: 'early' }, { write: `67890${head('GET /smuggled HTTP/1.1')}` }], upstream: { at: 'head', answer: answer('HTTP/1.1 200 OK', ['Content-Length: 5'], 'early') }, expect: { ...passedOn({ body: 'early' }), executed: 0, closes: true } },
    { name: 'an early answer of 300,000 bytes', rfc: 'RFC 9112 §9.5', send: [{ write: `${post}12345` }, { sees: 'END' }], upstream: { at: 'head', answer: answer('HTTP/1.1 200 OK', ['Content-Length: 300003'], `${'x'.repeat(300_000)}END`) }, expect: { rfc: 'serve', statuses: [200], executed: 0, closes: true } },
    { name: 'half an answer before the body has come, the rest behind it', rfc: 'RFC 9112 §9.5', send: [{ write: `${post}12345` }, { sees: 'half' }, { write: '67890' }], upstream: { at: 'head', answer: [{ write: answer('HTTP/1.1 200 OK', ['Content-Length: 9'], 'half-') }, { clientSees: 'half-' }, { write: 'full' }, { do: 'end' }] }, expect: { rfc: 'serve', statuses: [200], executed: 0, answers: [{ body: 'half-full' }] } },

    { name: 'reset before the head', rfc: 'RFC 9112 §9.5', send: get, upstream: { answer: [{ do: 'reset' }] }, expect: replaced },
    { name: 'reset before the head of the answer to a POST', rfc: 'RFC 9110 §9.2.2', send: `${post}1234567890`, upstream: { answer: [{ do: 'reset' }] }, expect: replaced },
    { name: 'reset in the body', rfc: 'RFC 9112 §8', send: get, upstream: { answer: [{ write: answer('HTTP/1.1 200 OK', ['Content-Length: 10'], 'begun') }, { clientSees: 'begun' }, { do: 'reset' }] }, expect: brokenOff },
    { name: 'reset in a chunk', rfc: 'RFC 9112 §8', send: get, upstream: { answer: [{ write: chunked('a\r\nbegun') }, { clientSees: 'begun' }, { do: 'reset' }] }, expect: brokenOff },
    { name: 'reset behind an answer', rfc: 'RFC 9112 §9.5', send: get, upstream: { answer: [{ write: ok() }, { clientSees: 'ok' }, { do: 'reset' }] }, expect: passedOn({ body: 'ok' }) },
    answeredAndEnded('an end behind an answer', 'RFC 9112 §9.5', ok(), passedOn({ body: 'ok' })),
  ],
}
