import { spawn } from 'node:child_process'
import { childEnvironment } from './child-environment.ts'
import { identity, type ServerUser } from './server-user.ts'

export interface Watchdog {
  /** To be called once the server has ended. */
  close(): void
}

/**
 * The pipe closes when we end in whatever way, SIGKILL included. By then the process id may be another process's:
 * the server's own pid file tells, and that isn't there yet when the server has only just been spawned.
 */
const script = `
while read -r line; do :; done
tries=0
while kill -0 "$1" && [ "$tries" -lt 100 ]; do
  if read -r pid < "$2/postmaster.pid" && [ "$pid" = "$1" ]; then
    kill -INT "$1"
    exit
  fi
  tries=$((tries + 1))
  sleep 0.1
done
`

/** Shuts down the server with process id `pid` when this process ends without having stopped it. */
export function watchOver (pid: number, clusterFolder: string, user: ServerUser | null): Watchdog {
  const shell = spawn('/bin/sh', ['-c', script, 'sh', String(pid), clusterFolder], {
    cwd: '/',
    env: childEnvironment,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    ...identity(user),
  })
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  // A pipe to a child is a socket, which would keep our event loop alive.
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return {
    close () {
      shell.kill('SIGKILL')
    },
  }
}
