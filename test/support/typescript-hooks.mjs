import { fileURLToPath } from 'node:url'
import { compiled } from './typescript-compile.mjs'

/** Node's loader hook. */
export async function load (url, context, nextLoad) {
  if (!url.endsWith('.ts')) return await nextLoad(url, context)
  return { format: 'module', source: await compiled(fileURLToPath(url)), shortCircuit: true }
}
