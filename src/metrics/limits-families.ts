import type { Families } from './families.ts'

export interface LimitNumbers {
  readonly connections: { readonly open: number, readonly refusedTotal: number, readonly refusedAddress: number, readonly closedForRoom: number }
  readonly failures: { readonly networks: number, readonly forgotten: number }
  readonly lookups: { readonly underWay: number, readonly busy: number, readonly throttled: number }
  readonly load: { readonly level: 'calm' | 'busy' | 'drowning', readonly unknown: number, readonly any: number }
}

/** What the gateway turns away to stay up. `limits` is called several times a scrape, all in one synchronous run. */
export function addLimits (families: Families, limits: () => LimitNumbers): void {
  families.gauge('latchkey_connections', "Clients' connections that are open.", () => limits().connections.open)
  families.counter('latchkey_connections_refused_total', 'Connections closed at once, by the bound that they were over: gateway.connectionsMax (total) or connectionsPerAddressMax (address).', ['reason'], () => {
    const { refusedTotal, refusedAddress } = limits().connections
    return [[{ reason: 'total' }, refusedTotal], [{ reason: 'address' }, refusedAddress]]
  })
  families.counter('latchkey_connections_closed_for_room_total', 'Idle connections closed because gateway.connectionsMax was reached.', [],
    () => [[{}, limits().connections.closedForRoom]])
  families.gauge('latchkey_failing_addresses', 'Addresses (IPv6: /64) remembered for invalid keys.', () => limits().failures.networks)
  families.counter('latchkey_failing_addresses_forgotten_total', 'Addresses forgotten before their failure budget was whole again, because too many had to be remembered.', [],
    () => [[{}, limits().failures.forgotten]])
  families.gauge('latchkey_key_lookups', 'Keys being looked up in the database for the first time, or waiting to be.', () => limits().lookups.underWay)
  families.counter('latchkey_key_lookups_refused_total', 'Keys not looked up: too many were (busy), or too many of their address had failed (throttled).', ['reason'], () => {
    const { busy, throttled } = limits().lookups
    return [[{ reason: 'busy' }, busy], [{ reason: 'throttled' }, throttled]]
  })
  families.gauge('latchkey_overload_level', '1 while requests without a known key are refused, 2 while a part of all others is, too; 0 otherwise.',
    () => ({ calm: 0, busy: 1, drowning: 2 })[limits().load.level])
  families.counter('latchkey_shed_requests_total', 'Requests refused because the event loop was late: those without a known key (unknown), or any.', ['kind'], () => {
    const { unknown, any } = limits().load
    return [[{ kind: 'unknown' }, unknown], [{ kind: 'any' }, any]]
  })
}
