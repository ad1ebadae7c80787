import type { EngineName } from './engine.ts'

/** Test files that run in one process. */
export interface Job {
  readonly name: string
  readonly files: readonly string[]
  /** undefined: the one that the configuration gives by default. */
  readonly engine?: EngineName
}

/** Started first, as they take longest: else one of them would run alone at the end. */
const slowest = [
  'test/fuzz/fuzz.test.ts',
  'test/page/every-view-is-accessible.test.ts',
  'test/guarantees/the-page-manages-a-key-from-first-to-last.test.ts',
  'test/commands/thirty-kinds-of-bad-input.test.ts',
  'test/commands/keys-round-trip.test.ts',
  'test/gateway/invalid-keys-are-budgeted.test.ts',
  'test/commands/a-log-that-nobody-reads.test.ts',
  'test/commands/config-explain.test.ts',
  'test/commands/secrets-never-in-any-output.test.ts',
  'test/commands/help-and-version-everywhere.test.ts',
  'test/conformance/requests.test.ts',
  'test/conformance/answers.test.ts',
  'test/gateway/connection-caps.test.ts',
]

/**
 * Files of these folders share processes, so many each: what they do takes less than to start one. Each has its
 * gateways and databases to itself all the same. What measures or burdens a whole process has one of its own.
 */
const filesOfGroup: Readonly<Record<string, number>> = {
  admin: 5,
  commands: 4,
  config: 8,
  database: 5,
  docs: 3,
  gateway: 5,
  guarantees: 5,
  keys: 7,
  limits: 3,
  metrics: 4,
  outages: 3,
  properties: 3,
  routes: 9,
  security: 4,
  upstreams: 8,
  usage: 4,
  workers: 3,
}
const alone = new Set([
  'test/database/listener-outlives-outages.test.ts',
  'test/gateway/aborts.test.ts',
  'test/gateway/overload.test.ts',
  'test/gateway/concurrency.test.ts',
  'test/gateway/slow-clients.test.ts',
  'test/gateway/streaming.test.ts',
  'test/guarantees/a-flood-of-unknown-keys-does-not-evict-good-ones.test.ts',
  'test/guarantees/the-demo-does-what-it-prints.test.ts',
  'test/keys/bcrypt-process.test.ts',
  'test/limits/event-loop-load.test.ts',
])

/** What runs a second time, on the reference engine: all that depends on how a request is carried to its upstream. */
const onBothEngines = [
  ['test/conformance/answers.test.ts', 'test/conformance/requests.test.ts', 'test/guarantees/a-smuggled-request-is-never-executed.test.ts'],
  ['aborts', 'retries', 'upstream-failures', 'slow-clients', 'streaming'].map(name => `test/gateway/${name}.test.ts`),
  ['endless-answers', 'interim-answers', 'not-modified', 'answers', 'targets', 'tls-upstreams', 'earlier-secrets'].map(name => `test/gateway/${name}.test.ts`),
  ['bodies', 'bytes-of-bodies', 'body-limits', 'body-limits-to-the-byte', 'expect-continue', 'a-client-that-ends-in-the-body-of-a-refused-request', 'requests-of-a-connection-take-turns'].map(name => `test/gateway/${name}.test.ts`),
  [
    'test/security/malicious-upstream.test.ts',
    'test/outages/upstreams.test.ts',
    'test/gateway/a-request-under-way-when-its-key-ends.test.ts',
    'test/guarantees/a-client-cannot-forge-or-strip-an-identity-header.test.ts',
    'test/guarantees/an-upstream-sees-no-key.test.ts',
    'test/guarantees/an-open-stream-ends-within-a-second-of-its-keys-revocation.test.ts',
    'test/guarantees/every-request-with-a-proven-key-gives-one-usage-row.test.ts',
    'test/gateway/drain.test.ts',
  ],
]

/** All files, in processes, in the order in which these are started. */
export function jobsOf (files: readonly string[]): Job[] {
  const first = slowest.filter(file => files.includes(file))
  const groups = new Map<string, string[]>()
  const single: string[] = []
  for (const file of files) {
    if (first.includes(file)) continue
    const folder = file.split('/')[1] ?? ''
    if (alone.has(file) || filesOfGroup[folder] === undefined) single.push(file)
    else groups.set(folder, [...groups.get(folder) ?? [], file])
  }
  const shared = [...groups].flatMap(([folder, members]) => {
    const count = Math.ceil(members.length / (filesOfGroup[folder] ?? 1))
    return Array.from({ length: count }, (_, group) => members.filter((_, i) => i % count === group))
      .map((files, group) => ({ name: files.length === 1 ? files[0]! : `test/${folder} ${group + 1}`, files }))
  })
  return [...first.map(alone => ({ name: alone, files: [alone] })), ...shared, ...single.map(alone => ({ name: alone, files: [alone] }))]
}

/** Those of the files that are to hold on the reference engine, too. */
export function referenceJobsOf (files: readonly string[]): Job[] {
  return onBothEngines
    .map((group, i): Job => ({ name: `http-proxy ${i + 1}`, files: group.filter(file => files.includes(file)), engine: 'http-proxy' }))
    .filter(job => job.files.length > 0)
}
