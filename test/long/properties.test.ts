import { readdirSync } from 'node:fs'
import path from 'node:path'

// Every property again, in ten times as many cases, and in others each time.
process.env.PROPERTY_TIMES ??= '10'
process.env.PROPERTY_SEED ??= String(Date.now() % 1_000_000)
const folder = path.join(import.meta.dirname, '../properties')
for (const file of readdirSync(folder)) if (file.endsWith('.test.ts')) await import(path.join(folder, file))
