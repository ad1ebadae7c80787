/**
 * All that PostgreSQL's processes get to see: our own environment may hold secrets, and PG* variables would change
 * what the programs do. macOS needs a locale to be set, or the server turns multithreaded while it starts.
 */
export const childEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' } as const
