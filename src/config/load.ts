import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { ConfigError } from './config-error.ts'
import type { ConfigFault } from './config-error.ts'
import type { Config } from './config.ts'
import { normalise } from './normalise.ts'
import { overrideFaults } from './overrides.ts'
import type { ConfigOverrides } from './overrides.ts'
import { ruleFaults } from './rules.ts'
import type { ConfigDocument } from './schema.ts'
import { schemaFaults } from './schema-faults.ts'
import { YamlSource } from './yaml-source.ts'

export type { ConfigOverrides } from './overrides.ts'

const FILE_BYTES_MAX = 4 * 1024 ** 2

/** Reads a configuration file. Throws a ConfigError with every fault of it at once. */
export function loadConfig (file: string, overrides: ConfigOverrides = {}): Config {
  return parseConfig(readText(file), file, overrides)
}

/** The same from a text; `file` is what faults name. */
export function parseConfig (text: string, file: string, overrides: ConfigOverrides = {}): Config {
  const source = new YamlSource(text)
  const faults: ConfigFault[] = source.faults.map((fault) => ({ file, ...fault }))
  const { value } = source
  if (value === null || (value === undefined && faults.length === 0)) {
    throw new ConfigError([{ file, line: 1, column: 1, message: 'the file is empty: it needs upstreams and routes at least' }])
  }
  if (value !== undefined) {
    for (const { path, part, message } of [...schemaFaults(value), ...ruleFaults(value, overrides)]) {
      faults.push({ file, ...source.placeOf(path, part), message })
    }
  }
  faults.push(...overrideFaults(overrides))
  if (faults.length > 0) throw new ConfigError(inOrder(faults))
  // The schema has just accepted it.
  return normalise(value as ConfigDocument, overrides)
}

function inOrder (faults: readonly ConfigFault[]): ConfigFault[] {
  const sorted = faults.toSorted((one, other) => one.line - other.line || one.column - other.column)
  return sorted.filter(({ line, column, message }, index) => {
    const before = sorted[index - 1]
    return before === undefined || before.line !== line || before.column !== column || before.message !== message
  })
}

function readText (file: string): string {
  const fail = (message: string): ConfigError => new ConfigError([{ file, line: 0, column: 0, message }])
  let bytes: Buffer
  try {
    bytes = readBytes(file)
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? String(err.code) : 'unknown error'
    if (code === 'ENOENT') {
      const name = basename(file)
      throw fail(name !== file && existsSync(name)
        ? `no such file, but there is a ${name} in this folder: name it with --config ${name}, or as LATCHKEY_CONFIG in .env`
        : 'no such file: write one with `latchkey init`, or name another with --config')
    }
    throw fail(code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read (${code})`)
  }
  if (bytes.length > FILE_BYTES_MAX) throw fail('is larger than a configuration can be (4 MiB)')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw fail('is not UTF-8 text')
  }
}

/** At most a byte more than is accepted, whatever the path leads to. */
function readBytes (file: string): Buffer {
  const descriptor = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null)
      if (read === 0) break
      length += read
    }
    return buffer.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}
