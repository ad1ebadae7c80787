import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/units.ts'

t.test('durations', async (t) => {
  const durations: [string, number][] = [
    ['0ms', 0], ['250ms', 250], ['10s', 10_000], ['5m', 300_000], ['1h', 3_600_000], ['90d', 7_776_000_000], ['1500ms', 1_500],
  ]
  for (const [text, ms] of durations) {
    t.equal(parseDuration(text), ms, text)
    t.equal(parseDuration(formatDuration(ms)), ms, `${formatDuration(ms)} reads back`)
  }
  t.equal(formatDuration(90_000), '90s')
  t.equal(formatDuration(60_000), '1m')
  for (const text of ['', '10', 's', '1.5s', '-1s', '1 s', '1S', '10sec', '1s ', ' 1s', '1w', '1e3s', '10s\n', '٣s', '999999999999d']) t.equal(parseDuration(text), null, JSON.stringify(text))
})

t.test('sizes', async (t) => {
  const sizes: [string, number][] = [['0B', 0], ['512B', 512], ['16KiB', 16_384], ['10MiB', 10_485_760], ['1GiB', 1_073_741_824]]
  for (const [text, bytes] of sizes) {
    t.equal(parseSize(text), bytes, text)
    t.equal(formatSize(bytes), text)
  }
  for (const text of ['', '10', '10MB', '10kB', '1.5MiB', '-1B', '1 MiB', '10mib', '1TiB', '999999999999GiB']) t.equal(parseSize(text), null, JSON.stringify(text))
})
