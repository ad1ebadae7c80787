import { readFile, rm } from 'node:fs/promises'
import { runFile, runFolder, type TestRun } from './run.ts'
import { until } from './until.ts'

// Runs once, after all test processes. The data is thrown away, so the server may end without a checkpoint.

const { serverPid, watchdogPid } = JSON.parse(await readFile(runFile(), 'utf8')) as TestRun
process.kill(watchdogPid, 'SIGKILL')
process.kill(serverPid, 'SIGQUIT')
await until(() => !isAlive(serverPid), 'PostgreSQL has ended')
await rm(runFolder(), { recursive: true, force: true })

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
