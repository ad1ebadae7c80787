/**
 * A worker of the gateway (see workers/): started by the primary, which tells it everything over the IPC channel. It
 * ends with the primary, whatever becomes of that.
 */
import type { Socket } from 'node:net'
import type { FromWorker, ToWorker, WorkerStart } from '../workers/messages.ts'
import { ServingWorker } from '../workers/serving-worker.ts'
import { messageOf } from './fault.ts'
import { LogOutput } from './log-output.ts'
import { tuneCollector } from './tune-collector.ts'

tuneCollector()

// A terminal's Ctrl-C, and what supervisors send, reaches all processes at once: the primary says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

let output: LogOutput | null = null
let worker: Promise<ServingWorker> | null = null
let ending: Promise<void> | null = null

process.on('disconnect', () => process.exit(ending === null ? 1 : undefined))
process.on('uncaughtException', err => {
  output?.logger.fatal({ err }, 'uncaught error; this worker ends')
  fail(err)
})
process.on('message', (message: ToWorker, socket: Socket | undefined) => {
  if (message.type === 'start') worker = start(message)
  else if (message.type === 'drain') end(0)
  else worker?.then(serving => serving.handle(message, socket)).catch(fail)
})

async function start (start: WorkerStart): Promise<ServingWorker> {
  output = new LogOutput(start.logLevel, { worker: start.number, isShared: true })
  try {
    return await ServingWorker.create({ start, send, logger: output.logger })
  } catch (err) {
    // The primary ends this process then.
    send({ type: 'failed', message: messageOf(err) })
    throw err
  }
}

function send (message: FromWorker): void {
  if (process.connected) process.send!(message)
}

/** Requests under way are still answered. */
function fail (err: unknown): void {
  send({ type: 'failed', message: messageOf(err) })
  end(1)
}

function end (exitCode: number): void {
  process.exitCode ??= exitCode
  ending ??= close().catch(err => {
    output?.logger.error({ err }, 'ending a worker failed')
    process.disconnect()
  })
}

/** Once it has the last numbers, the primary lets this process go. */
async function close (): Promise<void> {
  const serving = await worker
  const farewell = await serving!.close()
  await output?.close()
  send(farewell)
}
