/**
 * The child process in which bcrypt runs (see bcrypt.ts): its threads share neither libuv's pool nor the scheduler's
 * favour with the gateway. Keys arrive over the IPC channel, never in the arguments or the environment.
 */
import bcrypt from 'bcrypt'

export type BcryptTask =
  | { readonly id: number, readonly kind: 'compare', readonly key: string, readonly hash: string }
  | { readonly id: number, readonly kind: 'hash', readonly key: string, readonly cost: number }

export type BcryptAnswer =
  | { readonly id: number, readonly result: boolean | string }
  | { readonly id: number, readonly error: string }

async function run (task: BcryptTask): Promise<BcryptAnswer> {
  try {
    const result = task.kind === 'compare' ? await bcrypt.compare(task.key, task.hash) : await bcrypt.hash(task.key, task.cost)
    return { id: task.id, result }
  } catch (err) {
    return { id: task.id, error: err instanceof Error ? err.message : String(err) }
  }
}

process.on('message', (task: BcryptTask) => {
  run(task).then((answer) => process.send?.(answer), () => process.exit(1))
})
process.on('disconnect', () => process.exit(0))
// A terminal's Ctrl-C reaches the whole process group, and the parent still drains with our help: it ends us itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
