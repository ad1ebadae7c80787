import type { Bench } from '../bench.ts'
import type { Peer } from '../peers/peer.ts'

export interface Interleaving<Round> {
  readonly rounds: number
  readonly measure: (peer: Peer, round: number) => Promise<Round>
  /** What is said of a measurement while the bench runs. */
  readonly describe: (measured: Round) => string
}

/** Measures each peer once a round, so that a change of the machine meets all of them. One that fails is left out, and said. */
export async function interleave<Round> (bench: Bench, peers: readonly Peer[], { rounds, measure, describe }: Interleaving<Round>): Promise<Round[]> {
  const all: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const peer of peers) {
      try {
        const measured = await measure(peer, round)
        all.push(measured)
        bench.say(`round ${round}: ${peer.id}: ${describe(measured)}`)
      } catch (err) {
        bench.fail(`round ${round}: ${peer.id}`, err)
      }
    }
  }
  return all
}
