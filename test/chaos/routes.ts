import { withEngine } from '../support/engine.ts'

/** The configuration that the chaos runs with, in two versions, and a slow, plain model of what each lets through. */

export interface RouteModel {
  readonly id: string
  readonly methods: readonly string[]
  readonly prefix: string
  readonly auth: 'key' | 'none'
  readonly allOf: readonly string[]
  readonly anyOf: readonly string[]
}

export type ConfigVersion = 'a' | 'b'

const shared: readonly RouteModel[] = [
  { id: 'read-red', methods: ['GET'], prefix: '/red/', auth: 'key', allOf: ['red:read'], anyOf: [] },
  { id: 'write-red', methods: ['POST', 'PUT'], prefix: '/red/', auth: 'key', allOf: ['red:write'], anyOf: [] },
  { id: 'read-blue', methods: ['GET'], prefix: '/blue/', auth: 'key', allOf: ['blue:read'], anyOf: [] },
  { id: 'write-blue', methods: ['POST'], prefix: '/blue/', auth: 'key', allOf: ['blue:read', 'blue:write'], anyOf: [] },
  { id: 'either', methods: ['GET'], prefix: '/either/', auth: 'key', allOf: [], anyOf: ['red:read', 'blue:read'] },
  { id: 'any-key', methods: ['GET', 'POST'], prefix: '/any/', auth: 'key', allOf: [], anyOf: [] },
  { id: 'public', methods: ['GET', 'POST'], prefix: '/public/', auth: 'none', allOf: [], anyOf: [] },
]

export const routes: Readonly<Record<ConfigVersion, readonly RouteModel[]>> = {
  a: [...shared, { id: 'swing-a', methods: ['GET'], prefix: '/swing/', auth: 'key', allOf: ['red:write'], anyOf: [] }],
  b: [
    ...shared,
    { id: 'swing-b', methods: ['GET'], prefix: '/swing/', auth: 'key', allOf: ['blue:write'], anyOf: [] },
    { id: 'extra', methods: ['GET'], prefix: '/extra/', auth: 'key', allOf: ['red:read'], anyOf: [] },
  ],
}

/** Every way in, those of one version only included. */
export const doors: readonly { readonly method: string, readonly prefix: string }[] =
  [...routes.a, ...routes.b].flatMap(({ methods, prefix }) => methods.map(method => ({ method, prefix })))
    .filter((door, i, all) => all.findIndex(({ method, prefix }) => method === door.method && prefix === door.prefix) === i)

/** What keys hold, in any number. */
export const scopes = ['red:read', 'red:write', 'red:*', 'blue:read', 'blue:write', 'blue:*', '*', 'green:read', 'Not a scope'] as const

/** undefined: no route, or none for the method. */
export function routeFor (version: ConfigVersion, method: string, path: string): RouteModel | undefined {
  return routes[version].find(({ methods, prefix }) => path.startsWith(prefix) && methods.includes(method))
}

export function holds (held: readonly string[], { allOf, anyOf }: RouteModel): boolean {
  const has = (wanted: string) => held.includes('*') || held.includes(wanted) || held.includes(`${wanted.split(':')[0]}:*`)
  return allOf.every(has) && (anyOf.length === 0 || anyOf.some(has))
}

/** The file itself, with the engine that the run is about. */
export function configFile (version: ConfigVersion, targets: readonly string[]): string {
  const lines = routes[version].map(({ id, methods, prefix, auth, allOf, anyOf }) =>
    `  - { id: ${id}, path: '${prefix}*', methods: ${JSON.stringify(methods)}, upstream: both, auth: ${auth}` +
    `${anyOf.length > 0 ? `, scopes: { anyOf: ${JSON.stringify(anyOf)} }` : allOf.length > 0 ? `, scopes: ${JSON.stringify(allOf)}` : ''} }`)
  // Everybody comes from one address here, and this machine may be a slow one: neither is what is looked at.
  return withEngine(`
gateway: { failureBudget: { failures: 1000000, per: 1s }, eventLoopDelayMax: 60s }
keys:
  bcryptCost: 4
  cache: { ttl: 20s, negativeTtl: 5s }
upstreams:
  both: { targets: ${JSON.stringify(targets)}, headersTimeout: ${version === 'a' ? '2s' : '3s'}, connectTimeout: 1s }
routes:
${lines.join('\n')}
`)
}

/** A file with a fault: whoever has read another keeps it. */
export function faultyConfigFile (targets: readonly string[]): string {
  return `${configFile('a', targets)}  - { id: faulty, path: '/faulty/*', upstream: nowhere }\n`
}
