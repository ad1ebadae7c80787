import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const waitMs = 30_000
const pollMs = 20

/**
 * Ends a server that an earlier owner of this cluster left running, and removes a pid file that only looks like one:
 * after a crash, and always in a new container, its process id may belong to anybody. Only the cluster's owner may
 * call this. Rejects when the old server doesn't end.
 */
export async function endOrphan (clusterFolder: string): Promise<void> {
  const file = path.join(clusterFolder, 'postmaster.pid')
  const deadlineMs = Date.now() + waitMs
  let wasAsked = false
  for (;;) {
    const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n', 1)[0])
    if (!Number.isInteger(pid) || pid <= 0) return
    if (!await isServerOf(clusterFolder, pid)) {
      await rm(file, { force: true })
      return
    }
    if (Date.now() > deadlineMs) throw new Error(`The PostgreSQL of an earlier run (process ${pid}) doesn't end`)
    if (!wasAsked) askToEnd(pid)
    wasAsked = true
    await delay(pollMs)
  }
}

function askToEnd (pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // It ended in the meantime, which the next look shows.
  }
}

/** Whether process `pid` is alive and is a server that was started on `clusterFolder`. */
async function isServerOf (clusterFolder: string, pid: number): Promise<boolean> {
  try {
    const commandLine = process.platform === 'linux'
      ? (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
      : (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout
    return commandLine.includes(` -D ${clusterFolder} `)
  } catch {
    return false
  }
}
