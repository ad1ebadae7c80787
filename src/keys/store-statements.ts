import { hidesRows } from '../database/hidden-rows.ts'
import { prepared } from '../database/prepared-statement.ts'

/** Whether row-level security may hide keys from the role. */
export interface Found {
  hides_rows: boolean
}

/** Of a question whose answer may be in either table. */
export interface FoundAnywhere extends Found {
  hides_earlier: boolean
}

/** A key with one of its secrets. */
export interface Row {
  id: number
  key_hash: string
  pepper_id: string | null
  user_id: string | null
  key_prefix: string | null
  name: string | null
  scopes: string | null
  environment: string | null
  is_active: boolean
  revoked_at_ms: number | null
  expires_at_ms: number | null
}

export interface RowWithEarlier extends Row {
  hides_earlier: boolean
  /** JSON, an array of EarlierSecret. */
  earlier: string | null
}

export interface CandidateRow extends Row {
  is_proven: boolean
  grace_id: number | null
  grace_since_ms: number | null
  grace_ends_at_ms: number | null
}

/** JSON has infinity as text. */
export type EarlierSecret = readonly [id: number, keyHash: string, pepperId: string | null, sinceMs: number | string, endsAtMs: number | string]

export const hidesKeys = hidesRows("'public.api_keys'::regclass")
export const hidesEarlierSecrets = hidesRows("'latchkey.earlier_secrets'::regclass")

const inMs = (time: string): string => `(extract(epoch from ${time}) * 1000::numeric)::float8`
const shownPrefix = (of: string): string => `pg_catalog.rtrim(${of}.key_prefix::text, '.'::text)`

// NULLs are what an adopted table may hold: they mean disabled, no scopes, no expiry. Its ids may be bigint, which pg
// would hand over as text, while notifications hold numbers. Times as epoch milliseconds also bring 'infinity' through,
// which a Date can't hold. Tables and functions are named with their schemas, and operators get the very types that
// pg_catalog has them for, as the better fit of a stranger's operator would win: the role's search_path decides nothing.
// Cast to what they are where the tables are ours, as a prepared statement's result may not change its types. Scopes come
// as JSON, one text, which is parsed once for all keys that have the same.
const columnsWith = (secret: 'api_keys' | 'earlier'): string => `
  api_keys.id::float8 as id, ${secret}.key_hash::text, ${secret}.pepper_id::text, api_keys.user_id::text, api_keys.key_prefix::text,
  api_keys.name::text, pg_catalog.array_to_json(api_keys.scopes::text[])::text as scopes,
  api_keys.environment::text, coalesce(api_keys.is_active, false) as is_active,
  ${inMs('api_keys.revoked_at')} as revoked_at_ms, ${inMs('api_keys.expires_at')} as expires_at_ms`
const columns = columnsWith('api_keys')

/** Beside the key itself, its other secrets: hardly any key has one, and an index says so. */
const columnsWithEarlier = `${columns}, ${hidesEarlierSecrets} as hides_earlier, (
    select pg_catalog.json_agg(pg_catalog.json_build_array(
      earlier.id, earlier.key_hash, earlier.pepper_id, ${inMs('earlier.created_at')}, ${inMs('earlier.expires_at')}
    ))
    from latchkey.earlier_secrets as earlier
    where earlier.api_key_id = api_keys.id::bigint and earlier.expires_at > pg_catalog.now()
  )::text as earlier`

const candidateColumns = `id, key_hash, pepper_id, user_id, key_prefix, name, scopes, environment, is_active, revoked_at_ms, expires_at_ms,
  is_proven, grace_id, grace_since_ms, grace_ends_at_ms`
const earlierColumns = `${columnsWith('earlier')},
  earlier.id::float8 as grace_id, ${inMs('earlier.created_at')} as grace_since_ms, ${inMs('earlier.expires_at')} as grace_ends_at_ms`

/** What a role must be let read. */
const readOfEarlier = 'id, api_key_id, key_hash, key_prefix, pepper_id, created_at, expires_at'

/** Of a row's prefix and digest, in whichever table: only bcrypt can say whether it is the key's. */
const mayMatch = (of: 'api_keys' | 'earlier'): string => `${shownPrefix(of)} = any($1::text[])
  and (${of}.key_lookup is null or ${of}.pepper_id is null or ${of}.pepper_id::text <> all($2::text[]))`

export const statements = {
  byDigest: prepared(`select ${columns} from public.api_keys where key_lookup = $1::bytea and key_hash is not null`),
  byDigests: prepared(`select key_lookup, ${columns} from public.api_keys where key_lookup = any($1::bytea[]) and key_hash is not null`),
  byId: prepared(`select ${columnsWithEarlier} from public.api_keys where id = $1::bigint and key_hash is not null`),
  byIds: prepared(`
    select ${hidesKeys} as hides_rows, found.*
    from (select) as asked
    left join (select ${columnsWithEarlier} from public.api_keys where id = any($1::bigint[]) and key_hash is not null) as found on true`),
  byPrefix: prepared(`
    select ${hidesKeys} as hides_rows, ${hidesEarlierSecrets} as hides_earlier, candidate.*
    from (select) as asked
    left join (
      select ${candidateColumns}, pg_catalog.row_number() over (order by is_proven desc, prefix_length desc, is_usable desc, id, grace_id) as place
      from (
        select ${columns}, null::float8 as grace_id, null::float8 as grace_since_ms, null::float8 as grace_ends_at_ms,
          false as is_proven, pg_catalog.length(${shownPrefix('api_keys')}) as prefix_length, coalesce(is_active and revoked_at is null, false) as is_usable
        from public.api_keys
        where ${mayMatch('api_keys')} and key_hash is not null
        union all
        select ${earlierColumns},
          earlier.is_proven, pg_catalog.length(${shownPrefix('earlier')}), coalesce(api_keys.is_active and api_keys.revoked_at is null, false)
        from (
          select ${readOfEarlier}, true as is_proven from latchkey.earlier_secrets where key_lookup = any($4::bytea[])
          union all
          select ${readOfEarlier}, false from latchkey.earlier_secrets as earlier where ${mayMatch('earlier')}
        ) as earlier
        join public.api_keys on api_keys.id = earlier.api_key_id and api_keys.key_hash is not null
        where earlier.expires_at > pg_catalog.now()
      ) as found
      order by place limit $3
    ) as candidate on true
    order by place`),
}
