/**
 * Imports go one way (docs/architecture.md):
 * errors, config, metrics <- database <- routes, keys, tokens, limits, usage, upstreams, audit <- gateway, admin, demo <- serving, front <- workers <- server <- commands <- main
 */
const parts = 'routes|keys|tokens|limits|usage|upstreams|audit'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['^src/main\\.ts$', '-process\\.ts$'] }, to: {} },
    {
      name: 'base-imports-only-base',
      severity: 'error',
      from: { path: '^src/(errors\\.ts|config/|metrics/)' },
      to: { path: '^src/', pathNot: '^src/(errors\\.ts|config/|metrics/)' },
    },
    {
      name: 'database-imports-only-base',
      severity: 'error',
      from: { path: '^src/database/' },
      to: { path: '^src/', pathNot: '^src/(errors\\.ts|config/|metrics/|database/)' },
    },
    {
      name: 'siblings-do-not-import-each-other',
      severity: 'error',
      from: { path: `^src/(${parts})/` },
      to: { path: `^src/(${parts})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'parts-do-not-import-upwards',
      severity: 'error',
      from: { path: `^src/(${parts})/` },
      to: { path: '^src/(gateway|admin|demo|workers|commands)/|^src/(front|serving|server|main)\\.ts$' },
    },
    {
      name: 'listeners-do-not-import-each-other-or-upwards',
      severity: 'error',
      from: { path: '^src/(gateway|admin|demo)/' },
      to: { path: '^src/(gateway|admin|demo|workers|commands)/|^src/(front|serving|server|main)\\.ts$', pathNot: '^src/$1/' },
    },
    { name: 'serving-below-workers', severity: 'error', from: { path: '^src/(front|serving)\\.ts$' }, to: { path: '^src/(workers/|commands/|server\\.ts$|main\\.ts$)' } },
    { name: 'workers-below-server', severity: 'error', from: { path: '^src/workers/' }, to: { path: '^src/(commands/|server\\.ts$|main\\.ts$)' } },
    { name: 'server-below-commands', severity: 'error', from: { path: '^src/server\\.ts$' }, to: { path: '^src/(commands/|main\\.ts$)' } },
    { name: 'nothing-imports-main', severity: 'error', from: {}, to: { path: '^src/main\\.ts$' } },
    {
      name: 'parts-know-no-fastify',
      comment: 'The command line and the tests use these without a server.',
      severity: 'error',
      from: { path: '^src/(keys|tokens|limits|usage|routes|audit)/' },
      to: { path: 'node_modules/(fastify|@fastify)/' },
    },
    { name: 'no-dev-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
}
