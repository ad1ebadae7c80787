import { spawn } from 'node:child_process'
import path from 'node:path'
import { makeCase } from './generator.ts'

// node --import=tsx test/fuzz/replay.ts SEED INDEX: shows one case, and sends it to a gateway as fuzz.test.ts does.
const [seed = '1', index = '0'] = process.argv.slice(2)
const placeholder = (name: string) => name.padEnd(46, '.')
const { pieces, end } = makeCase(Number(seed), Number(index), { valid: placeholder('<valid-key>'), powerless: placeholder('<powerless-key>') })
for (const piece of pieces) console.log(JSON.stringify(piece.toString('latin1')))
console.log(`then ${end}`)
const root = path.join(import.meta.dirname, '../..')
const child = spawn(process.execPath, [path.join(root, 'node_modules/.bin/tap'), 'test/fuzz/fuzz.test.ts'], {
  cwd: root, stdio: 'inherit', env: { ...process.env, FUZZ_SEED: seed, FUZZ_INDEX: index },
})
child.once('close', code => { process.exitCode = code ?? 1 })
