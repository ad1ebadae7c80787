const stand = new URL('tap-of-file.mjs', import.meta.url).href

/** Node's resolve hook, in a process that runs several test files: each has a `t` of its own. */
export async function resolve (specifier, context, nextResolve) {
  if (specifier !== 'tap' || !context.parentURL?.endsWith('.test.ts')) return await nextResolve(specifier, context)
  return { url: `${stand}?of=${encodeURIComponent(context.parentURL)}&`, format: 'module', shortCircuit: true }
}
