import type { Bench } from '../bench.ts'

export interface Interleaving<Contender, Round> {
  readonly rounds: number
  readonly measure: (contender: Contender, round: number) => Promise<Round>
  /** What is said of a measurement while the bench runs. */
  readonly describe: (measured: Round) => string
}

/** Measures each, a peer or a setting, once a round, so that a change of the machine meets all of them. One that fails is left out, and said. */
export async function interleave<Contender extends { readonly id: string }, Round> (bench: Bench, contenders: readonly Contender[], { rounds, measure, describe }: Interleaving<Contender, Round>): Promise<Round[]> {
  const all: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      try {
        const measured = await measure(contender, round)
        all.push(measured)
        bench.say(`round ${round}: ${contender.id}: ${describe(measured)}`)
      } catch (err) {
        bench.fail(`round ${round}: ${contender.id}`, err)
      }
    }
  }
  return all
}
