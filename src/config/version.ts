import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The product's version, as its package.json says. */
export function productVersion (): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) throw new Error('package.json names no version')
  return String(manifest.version)
}
