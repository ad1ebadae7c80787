import { type Case, type CaseGroup, head, refusedHere, served } from '../case.ts'

const get = (...lines: readonly string[]) => head('GET /x HTTP/1.1', ...lines)
const forged = [
  'X-Latchkey-Key-Id', 'X-LATCHKEY-USER-ID', 'x-latchkey-scopes', 'x-latchkey-anything', 'X_Latchkey_Key_Id', 'x_latchkey_user_id', 'x-latchkey_scopes', 'X.Latchkey.Scopes', 'x-latchkey.user-id',
  'x~latchkey~key~id', 'X-Forwarded-For', 'X_Forwarded_For', 'X-Forwarded-Proto', 'x-forwarded-host', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-User', 'Forwarded', 'X-Real-IP', 'X_Real_Ip', 'x_request_id', 'x_api_key', 'X-Api.Key', 'traceparent',
]
const rule = 'latchkey' as const

export const identity: CaseGroup = {
  title: 'what only the gateway may say',
  cases: [
    ...forged.map((name): Case => ({ name: `${name} from a client`, rfc: 'contract', rule, send: get(`${name}: forged`), expect: served({ lacksText: 'forged' }) })),
    { name: 'forged twice, around a Connection that names it', rfc: 'contract', rule, send: get('X-Latchkey-Scopes: forged', 'Connection: x-latchkey-scopes', 'X-Latchkey-Scopes: forged'), expect: served({ lacksText: 'forged', has: { 'x-latchkey-scopes': 'all:use' } }) },
    { name: 'who holds the key', rfc: 'contract', rule, send: get(), expect: served({ hasSome: ['x-latchkey-key-id', 'x-latchkey-user-id', 'x-request-id', 'x-forwarded-for', 'traceparent'], has: { 'x-latchkey-scopes': 'all:use', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'gateway.test' }, lacks: ['x-api-key'] }) },
    { name: 'a request id of the client\'s own', rfc: 'contract', rule, send: get('X-Request-Id: abc.DEF_1-2'), expect: { ...served({ has: { 'x-request-id': 'abc.DEF_1-2' } }), answers: [{ has: { 'x-request-id': 'abc.DEF_1-2' } }] } },
    { name: 'an invalid request id', rfc: 'contract', rule, send: get('X-Request-Id: <forged>'), expect: served({ lacksText: 'forged', hasSome: ['x-request-id'] }) },
    { name: 'two request ids', rfc: 'contract', rule, send: get('X-Request-Id: forged', 'X-Request-Id: forged'), expect: served({ lacksText: 'forged', hasSome: ['x-request-id'] }) },
    { name: 'two keys', rfc: 'contract', rule, send: get('x-api-key: {key}'), expect: refusedHere(400, 'ambiguous_key') },
    { name: 'a key and an empty key', rfc: 'contract', rule, send: get('X-API-KEY:'), expect: refusedHere(400, 'ambiguous_key') },
    { name: 'two Authorizations', rfc: 'contract', rule, send: get('Authorization: Basic eA==', 'Authorization: Basic eQ=='), expect: refusedHere() },
    { name: 'an Authorization of the upstream\'s', rfc: 'contract', rule, send: get('Authorization: Basic eA=='), expect: served({ has: { authorization: 'Basic eA==' } }) },
    { name: 'the key as a bearer, too', rfc: 'contract', rule, send: get('Authorization: Bearer {key}'), expect: served({ lacks: ['authorization', 'x-api-key'] }) },
    { name: 'no key', rfc: 'contract', rule, send: 'GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n', expect: { rfc: 'either', statuses: [401], code: 'missing_key' } },
    { name: 'a key in the query only', rfc: 'contract', rule, send: 'GET /x?x-api-key={key}&api_key={key} HTTP/1.1\r\nHost: gateway.test\r\n\r\n', expect: { rfc: 'either', statuses: [401], code: 'missing_key' } },
    { name: 'a key with a tab within', rfc: 'contract', rule, send: 'GET /x HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: {key}\t{key}\r\n\r\n', expect: { rfc: 'either', statuses: [401], code: 'invalid_key' } },
    { name: 'a key with spaces around it', rfc: 'RFC 9110 §5.5', rule, send: 'GET /x HTTP/1.1\r\nHost: gateway.test\r\nx-api-key: \t {key} \t\r\n\r\n', expect: served({ target: '/x' }) },
  ],
}
