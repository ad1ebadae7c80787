import { closeSync, openSync, readSync } from 'node:fs'

const SECRET_BYTES_MAX = 64 * 1024

/**
 * A secret out of `NAME`, or out of the file that `NAME_FILE` names; null where neither is set. Empty counts as not
 * set, as Compose files write it. Faults name the variable, never the value, nor the path: it may hold a secret by mistake.
 */
export function readSecret (env: NodeJS.ProcessEnv, name: string, faults: string[]): string | null {
  const value = env[name] ?? ''
  const file = env[`${name}_FILE`] ?? ''
  if (value !== '' && file !== '') {
    faults.push(`${name} and ${name}_FILE are both set: keep one`)
    return null
  }
  if (file === '') return value === '' ? null : value
  const text = readFile(file, `${name}_FILE`, faults)
  if (text === '') faults.push(`${name}_FILE: the file is empty`)
  return text === '' ? null : text
}

/**
 * The pepper list: 32 bytes or more each, separated by commas. An entry of hex digits alone is hex, though it could
 * be base64 as well (random base64 never is); any other is base64 or base64url, padded or not.
 */
export function decodePeppers (list: string, faults: string[]): Buffer[] {
  const peppers: Buffer[] = []
  for (const [index, item] of list.split(',').entries()) {
    const pepper = decode(item.trim())
    const nth = `LATCHKEY_KEY_PEPPER: entry ${index + 1}`
    if (pepper === null) faults.push(`${nth} is neither hex nor base64`)
    else if (pepper.length < 32) faults.push(`${nth} has ${pepper.length} bytes: 32 or more are needed (openssl rand -hex 32)`)
    else if (peppers.some((other) => other.equals(pepper))) faults.push(`${nth} is listed twice`)
    else peppers.push(pepper)
  }
  return peppers
}

function decode (text: string): Buffer | null {
  if (/^[0-9a-f]+$/i.test(text)) return text.length % 2 === 0 ? Buffer.from(text, 'hex') : null
  const digits = text.replace(/={1,2}$/, '')
  if (digits === '' || !/^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)$/.test(digits) || digits.length % 4 === 1) return null
  return Buffer.from(digits, 'base64')
}

function readFile (path: string, variable: string, faults: string[]): string | null {
  let descriptor: number | null = null
  try {
    descriptor = openSync(path, 'r')
    const buffer = Buffer.alloc(SECRET_BYTES_MAX + 1)
    const length = readSync(descriptor, buffer)
    if (length <= SECRET_BYTES_MAX) return buffer.toString('utf8', 0, length).replace(/[\r\n]+$/, '')
    faults.push(`${variable}: the file is larger than a secret can be`)
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? String(err.code) : 'unknown error'
    faults.push(`${variable}: the file cannot be read (${code})`)
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
  return null
}
