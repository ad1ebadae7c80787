import { hash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../node_modules/.cache/latchkey-tests/', import.meta.url))
const compilerOptions = { module: 99 /* esnext */, target: 9 /* es2022 */, verbatimModuleSyntax: true, inlineSourceMap: true, inlineSources: false }

mkdirSync(folder, { recursive: true })

/** A TypeScript file without its types, kept under the hash of its text. */
export async function compiled (file) {
  const text = readFileSync(file, 'utf8')
  const kept = `${folder}${hash('sha256', `${file}\n${text}`)}.js`
  try {
    return readFileSync(kept)
  } catch {
    // Costs a second of CPU, which a run of all tests spends once, ahead.
    const { default: typescript } = await import('typescript')
    const { outputText } = typescript.transpileModule(text, { compilerOptions, fileName: file })
    // Other processes may be reading it, or writing the same.
    writeFileSync(`${kept}.${process.pid}`, outputText)
    renameSync(`${kept}.${process.pid}`, kept)
    return outputText
  }
}
