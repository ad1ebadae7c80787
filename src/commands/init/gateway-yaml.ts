/** The configuration file that `latchkey init` writes: every setting, with its default where it has one, how long usage is kept, and one route to begin with. */
export const gatewayYaml = `# The configuration of your gateway. Check it with: latchkey config check gateway.yaml
# Durations are written 250ms, 10s, 5m, 1h, 90d; sizes 16KiB, 10MiB. No secret belongs in this file.
# Editors complete it after: latchkey config schema > gateway.schema.json
# yaml-language-server: $schema=gateway.schema.json

gateway:
  host: 0.0.0.0             # 127.0.0.1 where another proxy stands in front on the same machine
  port: 8080
  workers: 1                # processes that share the port; auto: one for each core
  trustProxy: []            # addresses of your load balancer, such as 10.0.0.0/8: its X-Forwarded-* is believed
  bodyBytesMax: 10MiB       # routes may set their own
  headersTimeout: 15s       # for slow clients: the whole head, ...
  bodyTimeout: 60s          # ... a pause in the body, ...
  sendTimeout: 60s          # ... and in taking the response
  keepAliveTimeout: 65s     # longer than your load balancer keeps idle connections
  connectionsMax: 20000
  connectionsPerAddressMax: 5000
  failureBudget: { failures: 100, per: 1m }   # invalid keys of one address; beyond it they get 429
  eventLoopDelayMax: 500ms  # under more load than that, only keys already known are served
  engine: direct            # or http-proxy: @fastify/http-proxy, the reference

admin:
  host: 127.0.0.1           # page, API, metrics and health; keep it away from the internet
  port: 8081
  protectMetrics: false     # true: /metrics needs a token, too

keys:
  header: x-api-key         # Authorization: Bearer is accepted, too
  brand: sk                 # keys look like sk_live_...
  environments: [live, test]  # those admitted here; a key of another is invalid_key
  checksum: required        # optional: also accept keys that another system minted
  bcryptCost: 10            # 4 to 12
  cache:
    entriesMax: 100000
    ttl: 60s                # only a backstop: changed keys are noticed at once
    negativeEntriesMax: 50000
    negativeTtl: 10s
  whenStoreIsDown:
    serveCachedFor: 10m     # cached keys go on for so long, unknown ones get 503

usage:
  store: postgres           # none: no usage is recorded
  flushEvery: 1s
  flushRows: 1000
  spool: true               # keeps rows on disk until they are written, through a crash or an outage
  spoolBytesMax: 1GiB
  whenSpoolIsFull: dropNewest   # or dropOldest
  fsync: flush              # for power cuts: never, after a flush that failed, or always: with each write to the spool
  retention: 90d            # how long rows are kept; left out: for ever
  addresses: kept           # or truncated to a /24 or /48, or dropped
  userAgents: kept          # or shortened to the first product and its major version, or dropped
  paths: asSent             # routePattern: the route's path in place of what the client sent

upstreams:
  backend:
    targets: [http://127.0.0.1:3000]   # your service
    connectTimeout: 2s
    headersTimeout: 30s
    bodyTimeout: 60s
    retries: 1              # idempotent requests without a body only

# The most specific path wins, before the method is looked at. Paths have find-my-way's syntax: static, :param, and *
# at the end.
routes:
  - id: read
    path: /*
    methods: [GET, HEAD]    # left out: every method but CONNECT and TRACE
    upstream: backend
    scopes: [api:read]      # all of these; or { anyOf: [...] }; or { allOf: [...], anyOf: [...] }

  # - id: write
  #   path: /orders/*
  #   methods: [POST, PUT, DELETE]
  #   host: api.example.com     # left out: every host
  #   upstream: backend
  #   stripPrefix: /orders      # the upstream sees /42 for /orders/42
  #   preserveHost: true        # otherwise the upstream's own host, with x-forwarded-host
  #   scopes: [orders:write]
  #   auth: key                 # none: public. report: let through, log and count what would have been refused
  #   bodyBytesMax: 1MiB
`
