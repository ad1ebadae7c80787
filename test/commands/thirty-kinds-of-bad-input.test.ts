import t from 'tap'
import { type BadInput, refusesAll } from './bad-input.ts'

const user = ['--user', 'ada@example.com']
const name = ['--name', 'Reporting']
const scope = ['--scope', 'inventory:read']
const create = ['keys', 'create', ...user, ...name, ...scope]
const explain = ['config', 'explain', '--config', 'good.yaml']

const good = 'upstreams: { a: { targets: ["http://127.0.0.1:9000"] } }\nroutes: [{ id: r, path: /r, upstream: a }]\n'
const files = {
  'good.yaml': good,
  'faulty.yaml': 'upstreams:\n  a: { targets: [ftp://x] }\nroutes:\n  - id: r\n    path: /r\n    upstream: b\n    colour: red\n',
  'broken.yaml': 'routes: [\n',
  'empty.yaml': '',
  folder: {},
  'keys.csv': 'ada@example.com,hunter2,a:read\n',
  'keys.ndjson': '"hunter2"\n\n{"scopes":["hunter2:B"],"keyHash":"hunter2"}\n',
  'empty-secret': '',
}

const kinds: Readonly<Record<string, BadInput>> = {
  'no command at all': { args: [], says: /Usage: latchkey/ },
  'an unknown command': { args: ['kesy'], says: /unknown command 'kesy'\n\(Did you mean keys\?\)/ },
  'an unknown sub-command': { args: ['keys', 'crate'], says: /unknown command 'crate'\n\(Did you mean create\?\)/ },
  'a group without its sub-command': { args: ['migrate'], says: /Usage: latchkey migrate/ },
  'an unknown option': { args: ['keys', 'list', '--jsno'], says: /unknown option '--jsno'\n\(Did you mean --json\?\)/ },
  'an option without its value': { args: ['keys', 'list', '--user'], says: /option '--user <uuid\|email>' argument missing/ },
  'a missing option': { args: ['keys', 'create', ...user, ...name], says: /required option '--scope <scope>' not specified/ },
  'a missing argument': { args: ['keys', 'show'], says: /missing required argument 'id\|prefix'/ },
  'too many arguments': { args: ['keys', 'show', '1', '2'], says: /too many arguments/ },

  'a user that is neither UUID nor email': { args: ['keys', 'create', '--user', 'ada', ...name, ...scope], says: /'ada' is invalid.*UUID or an email/ },
  'a UUID that is too short': { args: ['keys', 'list', '--user', '5f0c6f3e-7d0a-4f43-9a5e-0f6d4c1f2b1'], says: /UUID or an email/ },
  'an empty name': { args: ['keys', 'create', ...user, '--name', '  ', ...scope], says: /--name <name>.*may not be empty/ },
  'a name that is too long': { args: ['keys', 'create', ...user, '--name', 'x'.repeat(256), ...scope], says: /at most 255 characters/ },
  'a scope in capitals': { args: ['keys', 'create', ...user, ...name, '--scope', 'Inventory:Read'], says: /A scope looks like inventory:read/ },
  'scopes with a comma between': { args: ['keys', 'create', ...user, ...name, '--scope', 'a:read,b:read'], says: /--scope once for each scope/ },
  'a scope with a star in the middle': { args: ['keys', 'create', ...user, ...name, '--scope', 'a:*:b'], says: /A scope looks like/ },
  'a duration without a unit': { args: [...create, '--expires-in', '90'], says: /a whole number and a unit: 30m, 12h, 90d/ },
  'a duration of nothing': { args: [...create, '--expires-in', '0d'], says: /more than nothing/ },
  'a duration of centuries': { args: [...create, '--expires-in', '99999d'], says: /hundred years/ },
  'a time in the past': { args: [...create, '--expires-at', '2020-01-01'], says: /has passed already/ },
  'a day that the calendar lacks': { args: [...create, '--expires-at', '2090-02-30'], says: /ISO 8601/ },
  'a time without its zone': { args: [...create, '--expires-at', '2090-01-01T12:00:00'], says: /with its zone/ },
  'two expiries': { args: [...create, '--expires-in', '1d', '--expires-at', '2090-01-01'], says: /cannot be used with option '--expires-at/ },
  'an environment that is not admitted': { args: [...create, '--environment', 'staging'], says: /environment must be one that the configuration admits: live, test/ },
  'a status that keys do not have': { args: ['keys', 'list', '--status', 'actve'], says: /Allowed choices are active, disabled, revoked, expired/ },
  'a limit of words': { args: ['keys', 'list', '--limit', 'many'], says: /whole number from 1 to 500/ },
  'a limit over the most': { args: ['keys', 'list', '--limit', '501'], says: /whole number from 1 to 500/ },
  'a cursor of another system': { args: ['keys', 'list', '--cursor', 'abc'], says: /--cursor <cursor>.*whole number/ },
  'an id of no key': { args: ['keys', 'show', '4711'], says: /No key has the id 4711/ },
  'a prefix of no key': { args: ['keys', 'revoke', 'sk_live_zzzz'], says: /No key has the prefix sk_live_zzzz/ },
  'a user of no key': { args: ['keys', 'list', '--user', 'nobody@example.com'], says: /No user has the email nobody@example.com/ },
  'an update of nothing': { args: ['keys', 'update', '1'], says: /Nothing to change\. Give --name/ },
  'two expiries in an update': { args: ['keys', 'update', '1', '--expires-in', '1d', '--never-expires'], says: /cannot be used with option '--never-expires'/ },

  'a token without rights': { args: ['tokens', 'create', ...name], says: /required option '--rights <rights>' not specified/ },
  'rights that tokens do not have': { args: ['tokens', 'create', ...name, '--rights', 'admin'], says: /Allowed choices are read, write/ },
  'a token without a name': { args: ['tokens', 'create', '--name', ' ', '--rights', 'read'], says: /--name <name>.*may not be empty/ },
  "the name of the environment's token": { args: ['tokens', 'create', '--name', 'LATCHKEY_ADMIN_TOKEN', '--rights', 'read'], says: /what the environment's token is called/ },
  'a token for a name': { args: ['tokens', 'create', '--name', `latchkey_admin_${'hunter2'.repeat(5)}`, '--rights', 'read'], says: /must not hold latchkey_admin_, with which tokens begin/ },
  'a token that lasts nothing': { args: ['tokens', 'create', ...name, '--rights', 'read', '--expires-in', '0s'], says: /more than nothing/ },
  'a name of no token': { args: ['tokens', 'revoke', 'nobody'], says: /No token is called nobody/ },
  'a prefix of no token': { args: ['tokens', 'revoke', `latchkey_admin_abcd${'hunter2'.repeat(5)}`], says: /No token has the prefix latchkey_admin_abcd\n/ },
  'a grace without a unit': { args: ['keys', 'rotate', '1', '--grace', '24'], says: /a whole number and a unit: 30m, 24h, 7d, or 0s/ },
  'a grace of a year': { args: ['keys', 'rotate', '1', '--grace', '365d'], says: /A grace is 90d at most/ },
  'a rotation of no key': { args: ['keys', 'rotate', '4711'], says: /No key has the id 4711/ },
  'a grace of no key': { args: ['keys', 'end-grace', 'sk_live_zzzz'], says: /No key has the prefix sk_live_zzzz/ },
  'an import of a file that is missing': { args: ['keys', 'import', 'nowhere.csv'], says: /nowhere\.csv: no such file/ },
  'an import of a folder': { args: ['keys', 'import', 'folder', '--format', 'csv'], says: /folder: is a folder, not a file/ },
  'an import of who knows what': { args: ['keys', 'import', 'good.yaml'], says: /--format csv or --format ndjson/ },
  'an import in a format that is none': { args: ['keys', 'import', 'keys.csv', '--format', 'xlsx'], says: /Allowed choices are csv, ndjson/ },
  'an import of an empty file': { args: ['keys', 'import', 'empty-secret', '--format', 'csv'], says: /empty-secret:1: it is empty: the first line must name the columns[^]*error: Nothing was imported/ },
  'an import of a file without header': { args: ['keys', 'import', 'keys.csv'], says: /^keys\.csv:1: the first line must name the columns/ },
  'an import of rows with faults': { args: ['keys', 'import', 'keys.ndjson'], says: /^keys\.ndjson:1: is not an object\n[^]*keys\.ndjson:3: userId: is missing\n[^]*error: Nothing was imported: 2 of 2 rows have faults/ },

  'a version that is no number': { args: ['migrate', 'down', '--to', 'first'], says: /--to <version>.*whole number from 0 to 9999/ },
  'a configuration that is missing': { args: ['config', 'check', 'nowhere.yaml'], says: /nowhere\.yaml: no such file/ },
  'a configuration that lies a folder higher': { args: ['config', 'check', 'config/good.yaml'], says: /no such file, but there is a good\.yaml in this folder: name it with --config good\.yaml/ },
  'a configuration that is a folder': { args: ['config', 'check', 'folder'], says: /folder: is a folder, not a file/ },
  'a configuration that is no YAML': { args: ['config', 'check', 'broken.yaml'], says: /broken\.yaml:\d+:\d+ / },
  'a configuration that is empty': { args: ['config', 'check', 'empty.yaml'], says: /empty\.yaml:1:1 the file is empty/ },
  'a configuration with several faults': { args: ['config', 'check', 'faulty.yaml'], says: /faulty\.yaml:2:\d+ [^]*faulty\.yaml:6:\d+ [^]*faulty\.yaml:7:\d+ .*colour/ },
  'a faulty configuration for a new key': { args: [...create, '--config', 'faulty.yaml'], says: /faulty\.yaml:7:\d+ / },
  'a question without a path': { args: [...explain, '--method', 'GET'], says: /required option '--path <path>' not specified/ },
  'a path without its slash': { args: [...explain, '--path', 'inventory'], says: /begins with a slash/ },
  'a method that is none': { args: [...explain, '--path', '/r', '--method', 'G T'], says: /A method is a word such as GET/ },
  'scopes that are none': { args: [...explain, '--path', '/r', '--scopes', 'a:read,B'], says: /'B' is no scope/ },
  'scopes beside a key': { args: [...explain, '--path', '/r', '--scopes', 'a', '--key-prefix', 'sk_live_abcd'], says: /cannot be used with option/ },

  'a database of another kind': { args: ['keys', 'list'], env: { DATABASE_URL: 'mysql://root:hunter2@127.0.0.1/x' }, says: /DATABASE_URL is no Postgres URL: write postgresql:\/\/host:5432\/database, with user:password@/ },
  'a pepper that is too short': { args: ['keys', 'list'], env: { LATCHKEY_KEY_PEPPER: 'abcdef' }, says: /LATCHKEY_KEY_PEPPER: entry 1 has \d+ bytes: 32 or more/ },
  'an admin token that is too short': { args: ['doctor'], env: { LATCHKEY_ADMIN_TOKEN: 'hunter2' }, says: /LATCHKEY_ADMIN_TOKEN is too short/ },
  'a port that is none': { args: ['doctor'], env: { LATCHKEY_PORT: '99999' }, says: /LATCHKEY_PORT must be a port/ },
  'a log level that is none': { args: ['config', 'check', 'good.yaml'], env: { LOG_LEVEL: 'loud' }, says: /LOG_LEVEL must be one of/ },
  'a secret given twice': { args: ['keys', 'list'], env: { LATCHKEY_ADMIN_TOKEN: 'hunter2'.repeat(5), LATCHKEY_ADMIN_TOKEN_FILE: 'empty-secret' }, says: /both set: keep one/ },
  'a file of a secret that is empty': { args: ['keys', 'list'], env: { LATCHKEY_KEY_PEPPER_FILE: 'empty-secret' }, says: /LATCHKEY_KEY_PEPPER_FILE: the file is empty/ },
  'a file of a secret that is missing': { args: ['keys', 'list'], env: { LATCHKEY_KEY_PEPPER_FILE: 'nowhere' }, says: /cannot be read \(ENOENT\)/ },
}

refusesAll(t, kinds, files)
