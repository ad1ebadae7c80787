import { parseArgs } from 'node:util'

export const scenarioNames = ['hot', 'bodies', 'routes', 'latency', 'junk', 'first-use', 'restart', 'bcrypt', 'usage', 'usage-cost', 'usage-volume', 'usage-copy', 'workers'] as const
export type ScenarioName = typeof scenarioNames[number]
export const peerNames = ['latchkey', 'latchkey-http-proxy', 'bare', 'undici', 'nginx-lua', 'nginx-map', 'express-gateway'] as const
export type PeerName = typeof peerNames[number]

export interface Options {
  readonly peers: readonly PeerName[]
  readonly scenarios: readonly ScenarioName[]
  /** Node binaries to run Latchkey and the Node peers with. */
  readonly nodes: readonly string[]
  readonly rounds: number
  /** Of each measurement at saturation; at a fixed rate it takes as long. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Requests a second of the fixed rate, the same for all. */
  readonly rate: number
  readonly isQuick: boolean
  readonly jsonFile: string | null
}

const quickPeers: readonly PeerName[] = ['latchkey', 'bare', 'undici', 'nginx-lua']
const quickScenarios: readonly ScenarioName[] = ['hot', 'first-use', 'restart', 'usage']

export const help = `npm run bench -- [options]

Runs Latchkey and its peers in turn, each alone on core 0, with wrk, the load generator, nginx as the upstream and
Postgres on core 1, and prints CPU time a request, requests a second, latencies at a fixed rate, and memory.

  --scenarios a,b  ${scenarioNames.join(', ')}
                   (default: all)
  --peers a,b      ${peerNames.join(', ')}
                   (default: all; Express Gateway is installed into a temporary folder)
  --node PATH      another Node binary to run Latchkey and the Node peers with, beside this one; may be repeated
  --rounds N       how often each is measured, in turn (default 5); tables show medians
  --seconds S      length of a measurement (default 8)
  --rate N         requests a second of the fixed rate (default 2000)
  --json FILE      writes all rounds there
  --quick          under two minutes: fewer rounds, peers and scenarios
  --help

npm run bench:chart -- FILE makes docs/bench.svg and the tables in docs/performance.md from such a file.
npm run soak -- --help: mixed traffic for ten minutes.
`

/** Null: help was asked for. Throws on what it doesn't understand. */
export function parseOptions (args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'string' },
      scenarios: { type: 'string' },
      node: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return null
  const isQuick = values.quick === true
  const seconds = positive('--seconds', values.seconds) ?? (isQuick ? 2 : 8)
  return {
    peers: chosen('--peers', values.peers, peerNames) ?? (isQuick ? quickPeers : peerNames),
    scenarios: chosen('--scenarios', values.scenarios, scenarioNames) ?? (isQuick ? quickScenarios : scenarioNames),
    nodes: [process.execPath, ...values.node ?? []],
    rounds: positive('--rounds', values.rounds) ?? (isQuick ? 3 : 5),
    seconds,
    warmUpSeconds: Math.ceil(seconds / 2),
    rate: positive('--rate', values.rate) ?? 2_000,
    isQuick,
    jsonFile: values.json ?? null,
  }
}

function chosen<Name extends string> (option: string, text: string | undefined, names: readonly Name[]): Name[] | null {
  if (text === undefined) return null
  return text.split(',').map(word => {
    const name = names.find(name => name === word.trim())
    if (name === undefined) throw new Error(`${option}: ${word} is none of ${names.join(', ')}`)
    return name
  })
}

function positive (option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} must be a whole number from 1`)
  return number
}
