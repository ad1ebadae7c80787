// A clock for the generator's event loop, whose own timers know whole milliseconds only: sleeps in a thread of its own
// until each tick is nearly due, and sends a message. The clock is the system's monotonic one, the same in all threads.
import { parentPort, workerData } from 'node:worker_threads'

const { startMs, tickMs, ticks, leadMs } = workerData
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))
for (let tick = 0; tick < ticks; tick++) {
  const waitMs = startMs + tick * tickMs - leadMs - Number(process.hrtime.bigint()) / 1e6
  if (waitMs > 0) Atomics.wait(nobodyWakes, 0, 0, waitMs)
  parentPort.postMessage(0)
}
