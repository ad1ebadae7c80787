import type pg from 'pg'
import type { Peppers } from '../../keys/digest.ts'
import { ok, warn } from './finding.ts'
import type { Finding } from './finding.ts'

interface KeyRowCounts {
  readonly keys: number
  readonly without_digest: number
  readonly foreign_pepper: number
  readonly unmatchable: number
  readonly unmatchable_ids: readonly number[] | null
  readonly shared_prefix: number
  readonly shared_hash: number
}

/** How many rows may share a prefix before first uses of those keys get slow: each is a bcrypt compare. */
const sharedPrefixMost = 8
/** The newest are looked at: a database in use is not to be held up by this. */
const rowsMax = 100_000

/** Which rows are found by digest, which only by bcrypt, and which never. */
export async function checkKeyRows (pool: pg.Pool, peppers: Peppers): Promise<Finding[]> {
  const { rows: [counts] } = await pool.query<KeyRowCounts>(countsSql, [peppers.ids])
  if (counts === undefined || counts.keys === 0) return [ok('Keys', 'none yet')]
  const findings = [ok('Keys', `${counts.keys === rowsMax ? `the newest ${rowsMax} looked at` : `${counts.keys} in all`}; ${withoutDigest(counts.without_digest, peppers)}`)]
  if (counts.foreign_pepper > 0) {
    findings.push(warn('Peppers in use', `${counts.foreign_pepper} keys have their digest under a pepper that is not listed: their next use costs a bcrypt compare`, 'Add the earlier pepper behind the present one in LATCHKEY_KEY_PEPPER, if it was not dropped on purpose.'))
  }
  if (counts.unmatchable > 0) {
    const ids = (counts.unmatchable_ids ?? []).join(', ')
    findings.push(warn('Unusable keys', `${counts.unmatchable} rows can never match a key, for want of a prefix that a key can begin with, or of a bcrypt hash: id ${ids}${counts.unmatchable > 10 ? ', …' : ''}`, 'Give their owners new keys, and revoke these.'))
  }
  if (counts.shared_prefix > sharedPrefixMost) {
    findings.push(warn('Shared prefix', `${counts.shared_prefix} keys without digest share one prefix: first uses of them are slow`, 'Replace them by keys of `latchkey keys create`, whose prefixes differ.'))
  }
  if (counts.shared_hash > 0) {
    findings.push(warn('Duplicate keys', `${counts.shared_hash} rows have the hash of another: they are one key, which counts as the row that it was first found by`, 'Give their owners new keys, and revoke all rows of the duplicates.'))
  }
  return findings
}

function withoutDigest (count: number, { isEmpty }: Peppers): string {
  if (count === 0) return 'each is found by its digest'
  return isEmpty ? `${count} found by prefix and bcrypt, for want of a pepper` : `${count} without digest yet, which each gets when it is first used`
}

const countsSql = `
  with examined as materialized (
    select id, key_prefix, key_hash, key_lookup, pepper_id from public.api_keys order by id desc limit ${rowsMax}
  ), classified as (
    select id,
           rtrim(key_prefix::text, '.') as prefix,
           key_lookup is null as is_without_digest,
           key_lookup is not null and not coalesce(pepper_id = any ($1::text[]), false) as is_foreign,
           coalesce(rtrim(key_prefix::text, '.'), '') = ''
             -- What no key begins with.
             or key_prefix::text !~ '^[!-~]{1,72}$'
             or coalesce(key_hash, '') !~ '^\\$2[aby]\\$(0[4-9]|1[0-6])\\$[./A-Za-z0-9]{53}$' as is_unproven
    from examined
  )
  select count(*)::integer as keys,
         count(*) filter (where is_without_digest)::integer as without_digest,
         count(*) filter (where is_foreign)::integer as foreign_pepper,
         count(*) filter (where is_unproven and (is_without_digest or is_foreign))::integer as unmatchable,
         (array_agg(id order by id) filter (where is_unproven and (is_without_digest or is_foreign)))[1:10] as unmatchable_ids,
         (select count(*)::integer from (select count(*) over (partition by key_hash) as n from examined where key_hash is not null) as hashes where n > 1) as shared_hash,
         coalesce((select max(n) from (select count(*)::integer as n from classified where is_without_digest and prefix <> '' group by prefix) as shared), 0) as shared_prefix
  from classified`
