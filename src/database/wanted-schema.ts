/** A column that the product reads or writes. */
export interface WantedColumn {
  readonly table: 'api_keys' | 'api_key_usage'
  readonly name: string
  /** As Postgres' format_type() writes them, without length; the first is the canonical one. */
  readonly types: readonly [string, ...string[]]
  /** The shortest varchar that holds what will be written; null where length doesn't matter. */
  readonly lengthMin: number | null
  /** The migration that adds it: 11 is the seed's. */
  readonly since: number
}

const text = ['text', 'character varying'] as const
const integer = ['integer', 'bigint'] as const
const timestamp = ['timestamp with time zone'] as const

/** Names and types are what must fit; whether NULL is allowed, defaults and order may differ in a hand-made table. */
export const wantedColumns: readonly WantedColumn[] = [
  column('api_keys', 'id', integer),
  column('api_keys', 'user_id', ['uuid']),
  column('api_keys', 'key_hash', ['character varying', 'text'], 60), // bcrypt
  column('api_keys', 'key_prefix', ['character varying', 'text'], 12),
  column('api_keys', 'name', ['character varying', 'text']),
  column('api_keys', 'description', text),
  column('api_keys', 'scopes', ['text[]', 'character varying[]']),
  column('api_keys', 'is_active', ['boolean']),
  column('api_keys', 'expires_at', timestamp),
  column('api_keys', 'last_used_at', timestamp),
  column('api_keys', 'created_at', timestamp),
  column('api_keys', 'revoked_at', timestamp),
  column('api_keys', 'environment', text, null, 13),
  column('api_keys', 'key_lookup', ['bytea'], null, 13),
  column('api_keys', 'pepper_id', text, null, 13),
  column('api_keys', 'latchkey_metadata', ['jsonb'], null, 21),
  column('api_key_usage', 'id', integer),
  column('api_key_usage', 'api_key_id', integer),
  column('api_key_usage', 'endpoint', ['character varying', 'text'], 255),
  column('api_key_usage', 'method', ['character varying', 'text'], 10),
  column('api_key_usage', 'status_code', integer),
  column('api_key_usage', 'ip_address', ['inet']),
  column('api_key_usage', 'user_agent', text),
  column('api_key_usage', 'response_time_ms', integer),
  column('api_key_usage', 'created_at', timestamp),
  column('api_key_usage', 'route', text, null, 14),
  column('api_key_usage', 'request_id', text, null, 14),
  column('api_key_usage', 'request_bytes', ['bigint'], null, 17),
  column('api_key_usage', 'response_bytes', ['bigint'], null, 17),
]

/** `definition` is looked for in what pg_get_indexdef() says; a hand-made index may add an order or a condition. */
export const wantedIndexes = [
  { table: 'api_keys', name: 'idx_api_keys_user_id', definition: /\(user_id\b/ },
  { table: 'api_keys', name: 'idx_api_keys_key_hash', definition: /\(key_hash\b/ },
  { table: 'api_keys', name: 'idx_api_keys_is_active', definition: /\(is_active\b/ },
  { table: 'api_key_usage', name: 'idx_api_key_usage_key_id', definition: /\(api_key_id\b/ },
  { table: 'api_key_usage', name: 'idx_api_key_usage_created_at', definition: /\(created_at\b/ },
  { table: 'api_keys', name: 'latchkey_api_keys_key_lookup', definition: /^CREATE UNIQUE INDEX .*\(key_lookup\)/ },
  // With the cast for varchar, without it for text.
  { table: 'api_keys', name: 'latchkey_api_keys_prefix', definition: /\(rtrim\(\(?key_prefix\b/ },
] as const

export const wantedForeignKeys = [
  { table: 'api_keys', column: 'user_id', refersTo: 'auth.users' },
  { table: 'api_key_usage', column: 'api_key_id', refersTo: 'api_keys' },
] as const

const notify = {
  table: 'api_keys',
  calls: 'latchkey.notify_key_change',
  sourceHash: '647ac36543dd2e91fd43ab2801ac10f810cf49da8e0b0a86147099ee6034acaf',
  madeBy: '016.do.key-notifications.sql',
}

const notifyEarlier = {
  table: 'latchkey.earlier_secrets',
  calls: 'latchkey.notify_earlier_secret_change',
  sourceHash: 'dc060de4f50bcac6334f67b8a6d72f2283e4a5ca354d9e573d9c5137b7bc9ac5',
  madeBy: '020.do.earlier-secrets-notify.sql',
}

const audit = { madeBy: '022.do.audit-log.sql' }
const auditRows = { ...audit, table: 'api_keys', calls: 'latchkey.audit_key_rows', sourceHash: 'e18ea6fca40ad0ee837caea2247825b25cffd1048141a788fe59eb96d925968a' }
const auditEarlier = { ...audit, table: 'latchkey.earlier_secrets', calls: 'latchkey.audit_earlier_secret', sourceHash: 'c35ff2dad24746fad4792c5c451bd0d16534fe4e2a2da6137539a828f374655c' }
const auditToken = { ...audit, table: 'latchkey.admin_tokens', calls: 'latchkey.audit_token_change', sourceHash: '75ee542f365d4445a8e3fc06d24729b44049b30fef7faba349c11e4e26f24e45' }
const appendOnly = { ...audit, table: 'latchkey.audit', calls: 'latchkey.refuse_audit_change', sourceHash: 'a973bb473cfe55f198749b333378178616db34c722eb36bcbd6263d28583e95e' }

/** `sourceHash` is the SHA-256 of the function's body. */
export const wantedTriggers = [
  {
    name: 'latchkey_clear_stale_digest',
    table: 'api_keys',
    calls: 'latchkey.clear_stale_digest',
    sourceHash: 'f067f9e8051cb6771cae717c1b154671064ed7a0fd6f35f6a60f43898219918a',
    madeBy: '013.do.key-digest.sql',
  },
  { name: 'latchkey_notify_insert', ...notify },
  { name: 'latchkey_notify_update', ...notify },
  { name: 'latchkey_notify_delete', ...notify },
  { name: 'latchkey_notify_truncate', ...notify },
  { name: 'latchkey_notify_earlier_insert', ...notifyEarlier },
  { name: 'latchkey_notify_earlier_update', ...notifyEarlier },
  { name: 'latchkey_notify_earlier_delete', ...notifyEarlier },
  { name: 'latchkey_notify_earlier_truncate', ...notifyEarlier },
  { name: 'latchkey_audit_insert', ...auditRows },
  { name: 'latchkey_audit_update', ...audit, table: 'api_keys', calls: 'latchkey.audit_key_change', sourceHash: 'e8823654431ac3fa24ae72234556f0cd8d34a230d70bd8814f89771276888c29' },
  { name: 'latchkey_audit_delete', ...auditRows },
  { name: 'latchkey_audit_truncate', ...auditRows },
  { name: 'latchkey_audit_earlier', ...auditEarlier },
  { name: 'latchkey_audit_earlier_update', ...auditEarlier },
  { name: 'latchkey_audit_earlier_truncate', ...auditEarlier },
  { name: 'latchkey_audit_token', ...auditToken },
  { name: 'latchkey_audit_token_update', ...auditToken },
  { name: 'latchkey_audit_token_truncate', ...auditToken },
  { name: 'latchkey_append_only', ...appendOnly },
  { name: 'latchkey_append_only_truncate', ...appendOnly },
] as const

function column (
  table: WantedColumn['table'], name: string, types: WantedColumn['types'], lengthMin: number | null = null, since = 11
): WantedColumn {
  return { table, name, types, lengthMin, since }
}
