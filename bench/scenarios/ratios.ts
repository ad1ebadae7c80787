import type { Peer } from '../peers/peer.ts'

/** What Latchkey costs in multiples of each peer; of peers that run on several Nodes, only on the same. */
export function ratioNotes (peers: readonly Peer[], costOf: (id: string) => number, what: string): string[] {
  return peers.filter(({ isLatchkey }) => isLatchkey).map(ours => {
    const node = ours.id.split('@')[1]
    const others = peers.filter(({ id, isLatchkey }) => !isLatchkey && [undefined, node].includes(id.split('@')[1]))
    const ratios = others.map(({ id, title }) => `${(costOf(ours.id) / costOf(id)).toFixed(2)} × ${title}`)
    return ratios.length === 0 ? '' : `${ours.title}: ${what} ${ratios.join('; ')}`
  }).filter(Boolean)
}
