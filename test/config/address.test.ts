import t from 'tap'
import { AddressRanges, networkOf, parseAddress, parseRange } from '../../src/config/address.ts'

const read: readonly [string, string | null][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['::192.0.2.1', '::c000:201'],
  ['010.0.0.1', null],
  ['0x7f.0.0.1', null],
  ['127.1', null],
  ['2130706433', null],
  ['256.0.0.1', null],
  ['::ffff:010.0.0.1', null],
  ['fe80::1%eth0', null],
  ['[::1]', null],
  ['1.2.3.4 ', null],
  ['1.2.3.4:80', null],
  ['unknown', null],
  ['', null],
]
for (const [text, canonical] of read) {
  t.test(`${JSON.stringify(text)} is ${canonical === null ? 'no address' : canonical}`, async t => {
    const address = parseAddress(text)
    t.equal(address === null ? null : String(address), canonical)
  })
}

t.test('limits count an IPv4 address or the /64 of an IPv6 one', async t => {
  const networkOfText = (text: string) => networkOf(parseAddress(text)!)
  t.equal(networkOfText('192.0.2.1'), '192.0.2.1')
  t.equal(networkOfText('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOfText('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.equal(networkOfText('2001:db8:1:2::'), networkOfText('2001:db8:1:2:ffff:ffff:ffff:ffff'))
  t.not(networkOfText('2001:db8:1:2::'), networkOfText('2001:db8:1:3::'))
  t.equal(networkOfText('64:ff9b::192.0.2.1'), '192.0.2.1')
})

t.test('ranges', async t => {
  const ranges = new AddressRanges(['10.0.0.0/8', '192.0.2.1', '2001:db8::/33', '::ffff:198.51.100.0/120'])
  for (const inside of ['10.255.0.1', '::ffff:10.0.0.1', '192.0.2.1', '2001:db8:7fff::1', '198.51.100.9']) {
    t.equal(ranges.includes(parseAddress(inside)!), true, inside)
  }
  for (const outside of ['11.0.0.1', '192.0.2.2', '2001:db8:8000::1', '198.51.101.0', '::a00:1', '64:ff9b::10.0.0.1']) {
    t.equal(ranges.includes(parseAddress(outside)!), false, outside)
  }
  t.equal(new AddressRanges([]).includes(parseAddress('::1')!), false)
  for (const wrong of ['10.0.0.1/8', '10.0.0.0/08', '10.0.0.0/', '10.0.0.0/33', '::/129', '::ffff:0:0/95', '/8', '10.0.0.0/8/8', '']) {
    t.equal(parseRange(wrong), null, wrong)
    t.throws(() => new AddressRanges([wrong]), RangeError)
  }
})
