import t from 'tap'
import { startFront } from '../support/front.ts'
import { sendRaw } from '../support/http.ts'
import { ask, host } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

t.test('what a gateway and an upstream could read differently is refused', async t => {
  const upstream = await startUpstream(t)
  const { url, key } = await startFront(t, upstream.url)
  const credential = `x-api-key: ${key}`

  t.test('hosts', async t => {
    const bad = [
      [], [host, host], [host, 'Host: other.test'], ['Host: a b'], ['Host: a/b'], ['Host: a,b'], ['Host: a@b'], ['Host: a:b'], ['Host: a:123456'],
      ['Host: ä.test'], ['Host: [::1'], ['Host: ::1'], ['Host: <script>'], ['Host: a?b'], ['Host: a#b'], ['Host: a%41'], ['Host: a\\b'],
    ]
    for (const hosts of bad) {
      const { status, code, headers } = await ask(url, { headers: [...hosts, credential] })
      t.equal(`${status} ${code}`, '400 bad_request', hosts.join(' | '))
      t.same(headers.connection, ['close'])
    }
    t.equal(upstream.seen.length, 0)
    for (const good of ['Host: gateway.test', 'HOST: Gateway.Test:8080', 'Host: 127.0.0.1:1', 'Host: [::1]:8080', 'Host: my_service', 'Host: a.b.', 'Host: ']) {
      t.equal((await ask(url, { headers: [good, credential] })).status, 200, good)
    }
    t.equal((await ask(url, { version: '1.0', headers: [credential] })).status, 200, 'HTTP/1.0 may name none')
  })

  t.test('too many or too large headers', async t => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: ${i}`)
    const before = upstream.seen.length
    // Host, the key and Connection are among the 128.
    t.equal((await ask(url, { headers: [host, credential, ...lines(125)] })).status, 200, '128 lines')
    t.match(upstream.seen.at(-1)!.headers, { 'x-0': '0', 'x-124': '124' }, 'all arrive')
    for (const count of [126, 200, 1_500]) {
      t.equal((await ask(url, { headers: [host, credential, ...lines(count)] })).code, 'headers_too_large', `${count + 3} lines`)
    }
    t.equal((await ask(url, { headers: [host, credential, `x-large: ${'x'.repeat(20_480)}`] })).code, 'headers_too_large', '20 KiB in one')
    t.equal((await ask(url, { headers: [host, credential, ...lines(100).map(line => line + 'x'.repeat(200))] })).code, 'headers_too_large', '20 KiB in many')
    t.equal((await ask(url, { headers: [host, credential, `x-large: ${'x'.repeat(12_000)}`] })).status, 200, '12 KiB')
    t.equal(upstream.seen.length - before, 2)
  })

  t.test('the bytes behind a request are never run as another', async t => {
    const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n${credential}\r\n\r\n`
    const chunked = `0\r\n\r\n${smuggled}`
    const begin = (version: string, ...lines: string[]) => [`POST /x HTTP/${version}`, host, credential, ...lines, '', ''].join('\r\n')
    const requests = {
      'HTTP/1.0 with Transfer-Encoding': begin('1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked') + chunked,
      'both lengths': begin('1.1', `Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked') + chunked,
      'both lengths, the other way round': begin('1.1', 'Transfer-Encoding: chunked', 'Content-Length: 4') + chunked,
      'two lengths': begin('1.1', 'Content-Length: 0', `Content-Length: ${smuggled.length}`) + smuggled,
      'a list of lengths': begin('1.1', 'Content-Length: 0, 0') + smuggled,
      'a negative length': begin('1.1', 'Content-Length: -1') + smuggled,
      'a signed length': begin('1.1', 'Content-Length: +0') + smuggled,
      'another coding': begin('1.1', 'Transfer-Encoding: identity') + smuggled,
      'chunked twice': begin('1.1', 'Transfer-Encoding: chunked, chunked') + chunked,
      'chunked not last': begin('1.1', 'Transfer-Encoding: chunked, identity') + chunked,
      'a misspelt coding': begin('1.1', 'Transfer-Encoding: xchunked') + chunked,
      'a space before the colon': begin('1.1', 'Transfer-Encoding : chunked') + chunked,
      'a folded line': begin('1.1', 'Transfer-Encoding:\r\n chunked') + chunked,
    }
    for (const [name, bytes] of Object.entries(requests)) {
      const answer = await sendRaw(url, Buffer.from(bytes, 'latin1'))
      t.match(answer, /^HTTP\/1\.1 400 /, name)
      t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer')
    }
    // Found out only once the request was on its way: that one is broken off.
    for (const body of [`0\n\n${smuggled}`, `1\nx\n${chunked}`, `1\r\nxx\r\n${chunked}`, `-1\r\n${chunked}`, `1g\r\n${chunked}`, `fffffffffffffffff\r\n${chunked}`]) {
      const answer = await sendRaw(url, Buffer.from(begin('1.1', 'Transfer-Encoding: chunked') + body, 'latin1'))
      t.match(answer, /^(HTTP\/1\.1 (?!200)[^]*)?$/, JSON.stringify(body.slice(0, 6)))
    }
    t.same(upstream.seen.filter(seen => seen.url === '/smuggled' || seen.body.includes('smuggled')), [])
    t.notOk(upstream.seen.some(seen => seen.url === '/smuggled' || seen.body.includes('smuggled')), 'none arrived')
  })

  t.test('what isn\'t HTTP', async t => {
    for (const line of ['GET / HTTP/2.0', 'GET / HTTP/0.9', 'GET /', 'GET / HTTP/1.2', 'GET / HTTP/3.0', 'GET / http/1.1', 'GET / HTTPS/1.1', 'GET  HTTP/1.1']) {
      const answer = await sendRaw(url, `${line}\r\n${host}\r\n${credential}\r\nConnection: close\r\n\r\n`)
      t.match(answer, /^HTTP\/1\.1 400 .*"code":"bad_request"/s, line)
    }
    for (const bytes of ['NOT HTTP\r\n\r\n', '\x16\x03\x01\x02\x00', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', `GET / HTTP/1.1\r\n${host}\r\nx: a\0b\r\n\r\n`, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
      const answer = await sendRaw(url, Buffer.from(bytes, 'latin1'))
      t.match(answer, /^HTTP\/1\.1 400 Bad request\r\n.*"code":"bad_request"/s, JSON.stringify(bytes))
    }
  })
})
