import { readdirSync } from 'node:fs'
import path from 'node:path'
import { compiled } from './typescript-compile.mjs'

// Ahead of a run of all tests: each process that met a file not compiled yet would load the compiler, for a second.

const root = path.join(import.meta.dirname, '../..')
for (const folder of ['src', 'test', 'bench']) {
  for (const file of readdirSync(path.join(root, folder), { recursive: true })) {
    if (file.endsWith('.ts')) await compiled(path.join(root, folder, file))
  }
}
