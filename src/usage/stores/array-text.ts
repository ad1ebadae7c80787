const special = /["\\]/g

/**
 * Postgres' text form of an array, `{1,2}`. pg's own takes every element through several conversions, which for batches
 * of usage costs more than anything else that is done for a row.
 */
export function numbersText (values: readonly number[]): string {
  return `{${JSON.stringify(values).slice(1, -1)}}`
}

/** `{"a","b",null}`: as in JSON, but for what has to be escaped. */
export function textsText (values: readonly (string | null)[]): string {
  const json = JSON.stringify(values)
  if (!json.includes('\\')) return `{${json.slice(1, -1)}}`
  return `{${values.map(value => value === null ? 'null' : `"${value.replace(special, '\\$&')}"`).join(',')}}`
}
