import type pg from 'pg'

/** What the gateway itself does, and what beside it `latchkey keys` and the admin API do on the same connection. */
export interface LackingRights {
  readonly role: string
  /** As GRANT would have them: `SELECT ON public.api_keys`. */
  readonly gateway: readonly string[]
  /** Without them the gateway works: new months' rows lie together in one partition, and old ones are kept. */
  readonly upkeep: readonly string[]
  readonly keyManagement: readonly string[]
  /** Beside those to manage keys, which it needs as well. */
  readonly adminApi: readonly string[]
}

/** `only`: the GRANT names the columns, as the rest of the table is nothing for this role. */
type Needed = readonly [relation: string, right: string, columns: readonly string[], grant?: 'only']

const keyColumns = [
  'id', 'user_id', 'key_hash', 'key_prefix', 'name', 'scopes', 'environment', 'is_active', 'revoked_at', 'expires_at',
  'last_used_at', 'key_lookup', 'pepper_id',
]
const earlierSecretColumns = [
  'id', 'api_key_id', 'key_hash', 'key_prefix', 'key_lookup', 'pepper_id', 'expires_at', 'created_at', 'last_used_at',
]
const usageColumns = [
  'api_key_id', 'endpoint', 'method', 'status_code', 'ip_address', 'user_agent', 'response_time_ms', 'created_at', 'route', 'request_id',
  'request_bytes', 'response_bytes',
]

/** With its columns, a right may also be held on just those. */
const gatewayNeeds: readonly Needed[] = [
  ['public.api_keys', 'SELECT', keyColumns],
  ['public.api_keys', 'UPDATE', ['last_used_at', 'key_lookup', 'pepper_id']],
  ['latchkey.earlier_secrets', 'SELECT', earlierSecretColumns],
  ['latchkey.earlier_secrets', 'UPDATE', ['key_lookup', 'pepper_id', 'last_used_at', 'last_user_agent']],
  // Written with RETURNING id, and counted into the roll-ups.
  ['public.api_key_usage', 'SELECT', ['id', 'api_key_id', 'status_code', 'response_time_ms', 'created_at', 'route', 'request_bytes', 'response_bytes']],
  ['public.api_key_usage', 'INSERT', usageColumns],
  ['latchkey.usage_batches', 'SELECT', ['batch_id', 'written_at', 'rows_written', 'deferred_ids', 'is_split']],
  ['latchkey.usage_batches', 'INSERT', ['batch_id', 'rows_written', 'deferred_ids', 'is_split']],
  ['latchkey.usage_batches', 'DELETE', []],
  // For SELECT … FOR UPDATE.
  ['latchkey.usage_batches', 'UPDATE', ['batch_id', 'rows_written', 'deferred_ids']],
  ['latchkey.installation', 'SELECT', ['id']],
  ...['latchkey.usage_hourly', 'latchkey.usage_daily'].flatMap((table): Needed[] => [[table, 'SELECT', []], [table, 'INSERT', []], [table, 'UPDATE', []]]),
  ['latchkey.usage_rollup', 'SELECT', []],
  // Also for SELECT … FOR UPDATE.
  ['latchkey.usage_rollup', 'UPDATE', []],
]

const managementNeeds: readonly Needed[] = [
  ['public.api_keys', 'SELECT', ['description', 'created_at', 'latchkey_metadata']],
  ['public.api_keys', 'INSERT', [...keyColumns, 'description', 'created_at', 'latchkey_metadata'].filter((column) => !['id', 'last_used_at', 'revoked_at'].includes(column))],
  ['public.api_keys', 'UPDATE', ['name', 'description', 'scopes', 'expires_at', 'is_active', 'revoked_at', 'latchkey_metadata']],
]

const adminApiNeeds: readonly Needed[] = [
  ['latchkey.admin_tokens', 'SELECT', []],
  // On all of it, whoever has the gateway's password could make a token of a row.
  ['latchkey.admin_tokens', 'UPDATE', ['last_used_at'], 'only'],
  ['latchkey.audit', 'SELECT', []],
  ['public.api_keys', 'DELETE', []],
  ...['latchkey.idempotent_requests', 'latchkey.earlier_secrets'].flatMap((table) => (['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const).map((right): Needed => [table, right, []])),
]

/** Which act with their owner's rights, of schema latchkey. */
const upkeepFunctions = ['make_usage_partitions', 'drop_usage_partitions']

/**
 * The rights that the connection's role lacks. Schemas and the sequences of serial ids are among them; identity columns
 * need no right on theirs. Tables that don't exist aren't.
 */
export async function lackingRights (client: pg.ClientBase | pg.Pool): Promise<LackingRights> {
  const relations = await lackingOf(client, gatewayNeeds)
  return {
    role: relations.role,
    gateway: [...relations.schemas, ...relations.grants, ...relations.usageSequences],
    upkeep: relations.functions,
    keyManagement: [...(await lackingOf(client, managementNeeds)).grants, ...relations.keySequences],
    adminApi: (await lackingOf(client, adminApiNeeds)).grants,
  }
}

interface Lacking {
  readonly role: string
  readonly schemas: string[]
  readonly grants: string[]
  readonly functions: string[]
  readonly usageSequences: string[]
  readonly keySequences: string[]
}

/** The catalog's oids and not names: a name in a schema without USAGE would be an error. */
async function lackingOf (client: pg.ClientBase | pg.Pool, needed: readonly Needed[]): Promise<Lacking> {
  const { rows: [row] } = await (client as pg.Pool).query<Lacking>(`
    with needed as (
      select c.oid, n.nspname || '.' || c.relname as relation, wanted ->> 1 as wanted_right,
        array(select jsonb_array_elements_text(wanted -> 2)) as wanted_columns, wanted ->> 3 as scope
      from jsonb_array_elements($1::jsonb) as wanted
      join pg_class as c on c.relname = split_part(wanted ->> 0, '.', 2)
      join pg_namespace as n on n.oid = c.relnamespace and n.nspname = split_part(wanted ->> 0, '.', 1)
    ), sequences as (
      select s.oid, t.relname as table, n.nspname || '.' || s.relname as sequence
      from pg_class as t
      join pg_namespace as tn on tn.oid = t.relnamespace and tn.nspname = 'public'
      join pg_attribute as a on a.attrelid = t.oid and a.attname = 'id' and a.attidentity = ''
      join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum
      join pg_depend as p on p.classid = 'pg_attrdef'::regclass and p.objid = d.oid and p.refclassid = 'pg_class'::regclass
      join pg_class as s on s.oid = p.refobjid and s.relkind = 'S'
      join pg_namespace as n on n.oid = s.relnamespace
      where t.relname in ('api_keys', 'api_key_usage')
        -- A case, because the planner may ask in any order, and asked about anything but a sequence this is an error.
        and case when s.relkind = 'S' then not has_sequence_privilege(s.oid, 'USAGE, UPDATE') end
    )
    select current_user::text as role,
      array(select 'USAGE ON SCHEMA ' || nspname from pg_namespace
        where nspname in ('public', 'latchkey') and not has_schema_privilege(oid, 'USAGE') order by nspname desc) as schemas,
      array(
        select string_agg(wanted_right || case scope when 'only' then ' (' || array_to_string(wanted_columns, ', ') || ')' else '' end,
          ', ' order by wanted_right) || ' ON ' || relation
        from needed
        where not has_table_privilege(oid, wanted_right) and (cardinality(wanted_columns) = 0 or exists (
          select from pg_attribute as a
          where a.attrelid = needed.oid and a.attname = any (wanted_columns) and not a.attisdropped
            and not has_column_privilege(a.attrelid, a.attnum, wanted_right)))
        group by relation order by relation desc
      ) as grants,
      array(
        select 'EXECUTE ON FUNCTION latchkey.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace and n.nspname = 'latchkey'
        where p.proname = any ($2::text[]) and not has_function_privilege(p.oid, 'EXECUTE')
        order by p.proname desc
      ) as functions,
      array(select 'USAGE ON SEQUENCE ' || sequence from sequences where "table" = 'api_key_usage') as "usageSequences",
      array(select 'USAGE ON SEQUENCE ' || sequence from sequences where "table" = 'api_keys') as "keySequences"`, [JSON.stringify(needed), upkeepFunctions])
  return row ?? { role: '', schemas: [], grants: [], functions: [], usageSequences: [], keySequences: [] }
}
