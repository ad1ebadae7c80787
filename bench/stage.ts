import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

/** Where a program runs: the gateway alone on core 0; load, upstream and database on core 1; or wherever the system puts it. */
export type Place = 'gateway' | 'load' | 'anywhere'

const cores: Record<Place, string> = { gateway: '0', load: '1', anywhere: '0-1' }
const debianPackages: Record<string, string> = { taskset: 'util-linux', setpriv: 'util-linux', wrk: 'wrk', nginx: 'nginx' }
const errorTailBytes = 4_000
const startMs = 30_000
const endMs = 10_000

/** Starts the programs of the bench, each on its core, and ends them whatever happens. */
export class Stage {
  readonly #running = new Set<ChildProcess>()
  #isClosed = false

  /** A server; its standard error is shown when it fails. `end` it, or close the stage. */
  start (place: Place, command: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
    return this.#spawn(place, command, env, 'ignore')
  }

  /** A program that ends by itself, or is told to by SIGTERM. Resolves with its output, rejects unless it exits with 0. */
  async run (place: Place, command: readonly string[], { variables = {}, signal }: { readonly variables?: Record<string, string>, readonly signal?: AbortSignal | undefined } = {}): Promise<string> {
    const child = this.#spawn(place, command, { ...process.env, ...variables }, 'pipe')
    const stop = () => { child.kill('SIGTERM') }
    signal?.addEventListener('abort', stop)
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { output += text })
    const [code, killedBy] = await once(child, 'close')
    signal?.removeEventListener('abort', stop)
    if (code !== 0) throw new Error(`${command[0]} ended with ${code ?? killedBy}: ${output.slice(-errorTailBytes)}`)
    return output
  }

  async end (child: ChildProcess): Promise<void> {
    if (hasEnded(child)) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
    await exited
    clearTimeout(timer)
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#running].map(async child => await this.end(child)))
  }

  #spawn (place: Place, command: readonly string[], env: NodeJS.ProcessEnv, stdout: 'ignore' | 'pipe'): ChildProcess {
    if (this.#isClosed) throw new Error('the bench is being ended')
    // Also when this process is killed without a word, none of its children stays behind.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'taskset', '-c', cores[place], ...command], { env: { ...env, PATH: `${env['PATH']}:/usr/sbin` }, stdio: ['ignore', stdout, 'pipe'] })
    this.#running.add(child)
    let tail = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { tail = (tail + text).slice(-errorTailBytes) })
    child.once('close', code => {
      this.#running.delete(child)
      if (code !== 0 && code !== null && !this.#isClosed) process.stderr.write(tail)
    })
    child.once('error', err => {
      this.#running.delete(child)
      tail = `${err.message}\n`
    })
    return child
  }
}

/** Resolves once `isReady` does with true. Rejects when the server ends, or isn't ready for long. */
export async function untilReady (child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + startMs
  while (!await isReady()) {
    if (hasEnded(child)) throw new Error(`${child.spawnargs.slice(6).join(' ')} ended while starting`)
    if (Date.now() > deadlineMs) throw new Error(`${child.spawnargs.slice(6).join(' ')} isn't ready`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export async function isListening (port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Moves a process, its threads and what it starts from now on to a core. */
export function pin (place: Place, pid: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores[place], String(pid)], { stdio: 'ignore' })
}

/** Throws, naming the Debian packages, where a program isn't installed. */
export function assertInstalled (...commands: readonly string[]): void {
  const missing = commands.filter(command => !isInstalled(command))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(command => debianPackages[command] ?? command))]
  throw new Error(`The bench needs ${missing.join(', ')}. On Debian: apt-get install ${packages.join(' ')}`)
}

function isInstalled (command: string): boolean {
  try {
    execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin; command -v "$0"', command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function hasEnded (child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}
