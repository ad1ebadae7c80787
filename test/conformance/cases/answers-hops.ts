import { type CaseGroup, head } from '../case.ts'
import { answered, answeredAndEnded, get, ok, passedOn } from './answers.ts'

export const hopsOfAnswers: CaseGroup = {
  title: 'what belongs to the connection to the upstream',
  cases: [
    answered('headers of one hop', 'RFC 9110 §7.6.1', ok('Connection: keep-alive', 'Keep-Alive: timeout=99', 'Proxy-Connection: keep-alive', 'TE: trailers', 'Trailer: x', 'Upgrade: h2c'),
      passedOn({ body: 'ok', lacks: ['proxy-connection', 'te', 'trailer', 'upgrade'] })),
    answered('the upstream asks for proxy credentials', 'RFC 9110 §11.7.1', ok('Proxy-Authenticate: Basic', 'Proxy-Authentication-Info: x'),
      { ...passedOn({ lacks: ['proxy-authenticate', 'proxy-authentication-info'] }), rfc: 'either' }),
    answered('nominated headers', 'RFC 9110 §7.6.1', ok('Connection: X-Hop, x-second', 'X-Hop: 1', 'X-Second: 2', 'X-Kept: 3'), passedOn({ lacks: ['x-hop', 'x-second'], has: { 'x-kept': '3' } })),
    answered('headers that a second Connection nominates', 'RFC 9110 §7.6.1', ok('Connection: keep-alive', 'Connection: x-hop', 'X-Hop: 1'), passedOn({ lacks: ['x-hop'] })),
    answered('nominated behind odd list elements', 'RFC 9110 §5.6.1', ok('Connection: ,, ,X-HOP\t,', 'X-Hop: 1'), passedOn({ lacks: ['x-hop'] })),
    { name: 'what the gateway adds can not be nominated away', rfc: 'contract', send: head('GET /x HTTP/1.1', 'X-Request-Id: mine'), upstream: { answer: ok('Connection: x-request-id, date, content-type', 'X-Request-Id: theirs') }, expect: { ...passedOn({ has: { 'x-request-id': 'mine' } }), rfc: 'either' }, rule: 'latchkey' },
    { name: 'what the gateway adds stands over the upstream\'s own', rfc: 'contract', send: head('GET /x HTTP/1.1', 'X-Request-Id: mine'), upstream: { answer: ok('X-Request-Id: theirs', 'x-request-id: again') }, expect: { ...passedOn({ has: { 'x-request-id': 'mine' } }), rfc: 'either' }, rule: 'latchkey' },
    answeredAndEnded('Connection: close ends the upstream\'s connection only', 'RFC 9112 §9.6', ok('Connection: close'), passedOn({ body: 'ok' })),
    { name: 'a connection goes on behind an answer with Connection: close', rfc: 'RFC 9110 §7.6.1', send: [{ write: get }, { sees: 'ok' }, { write: get }], upstream: { answer: [{ write: ok('Connection: close') }, { do: 'end' }] }, expect: passedOn({ body: 'ok' }, { body: 'ok' }) },
    { name: 'the client\'s own Connection: close is kept', rfc: 'RFC 9112 §9.6', send: head('GET /x HTTP/1.1', 'Connection: close'), upstream: { answer: ok('Connection: keep-alive') }, expect: { ...passedOn({ body: 'ok', has: { connection: 'close' } }), closes: true } },

    answered('cookies stay apart', 'RFC 9110 §5.3', ok('Set-Cookie: a=1', 'Set-Cookie: b=2, c'), passedOn({ has: { 'set-cookie': 'a=1, b=2, c' } })),
    answered('lists stay in order', 'RFC 9110 §5.3', ok('Vary: a', 'X-B: 1', 'Vary: b', 'Link: </a>', 'Link: </b>'), passedOn({ has: { vary: 'a, b', link: '</a>, </b>' } })),
    { ...answered('two Content-Type', 'contract', ok('Content-Type: text/plain', 'Content-Type: text/html'), { ...passedOn({ has: { 'content-type': 'text/plain' } }), rfc: 'either' }), rule: 'latchkey' },
    { ...answered('two Location', 'contract', ok('Location: /a', 'Location: /b'), { ...passedOn({ has: { location: '/a' } }), rfc: 'either' }), rule: 'latchkey' },
    answered('no Date', 'RFC 9110 §6.6.1', ok(), { ...passedOn({ body: 'ok' }) }),
  ],
}
