import t from 'tap'
import { parseExposition } from './exposition.ts'

// The other tests rely on this reader to refuse what Prometheus would.
t.test('the reader of these tests refuses what a scraper would', async (t) => {
  const head = '# HELP x X.\n# TYPE x'
  const faulty: Record<string, string> = {
    'no newline at the end': `${head} gauge\nx 1`,
    'no help': '# TYPE x gauge\nx 1\n',
    'type twice': `${head} gauge\nx 1\n${head} gauge\n`,
    'no type': 'x 1\n',
    'sample elsewhere': `${head} gauge\ny 1\n`,
    'sample twice': `${head} gauge\nx{a="1"} 1\nx{a="1"} 2\n`,
    'label twice': `${head} gauge\nx{a="1",a="2"} 1\n`,
    'unescaped quote': `${head} gauge\nx{a="1"2"} 1\n`,
    'no number': `${head} gauge\nx one\n`,
    'not cumulative': `${head} histogram\nx_bucket{le="1"} 2\nx_bucket{le="2"} 1\nx_bucket{le="+Inf"} 2\nx_sum 1\nx_count 2\n`,
    'infinity is not the count': `${head} histogram\nx_bucket{le="+Inf"} 2\nx_sum 1\nx_count 3\n`,
    'no infinity': `${head} histogram\nx_bucket{le="1"} 2\nx_sum 1\nx_count 2\n`,
    'no sum': `${head} histogram\nx_bucket{le="+Inf"} 2\nx_count 2\n`,
  }
  for (const [what, text] of Object.entries(faulty)) t.throws(() => parseExposition(text), what)
  const good = `${head} histogram\nx_bucket{le="1",a="q\\"\\\\\\n"} 1\nx_bucket{le="+Inf",a="q\\"\\\\\\n"} 2\nx_sum{a="q\\"\\\\\\n"} 1e-7\nx_count{a="q\\"\\\\\\n"} 2\n`
  t.equal(parseExposition(good).get('x')?.samples[0]?.labels.a, 'q"\\\n')
})
