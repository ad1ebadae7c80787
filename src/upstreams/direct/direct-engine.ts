import type { FastifyInstance } from 'fastify'
import type { Admitted, Engine, EngineOptions, Forwarding } from '../forwarding.ts'
import { Outbox } from '../outbox.ts'
import type { OpenPool } from '../target.ts'
import { ConnectionPool } from './connection-pool.ts'
import { Copies } from './copies.ts'
import { Exchange } from './exchange.ts'
import { Sweep } from './sweep.ts'

/** What the system hands over at a time. */
const readBytesMax = 65_536

/** Latchkey's own engine: plain HTTP/1.1, straight between the client's response and sockets to the upstreams. */
export class DirectEngine implements Engine {
  readonly #shared = { sweep: new Sweep(), readBuffer: Buffer.allocUnsafeSlow(readBytesMax) }
  readonly #parts = { copies: new Copies(), outbox: new Outbox() }
  #options: EngineOptions | null = null
  readonly needsFastify = false
  readonly openPool: OpenPool = (address, config) => new ConnectionPool(address, config, this.#shared)

  async register (_app: FastifyInstance, options: EngineOptions): Promise<void> {
    this.#options = options
  }

  forward (admitted: Admitted, forwarding: Forwarding): void {
    new Exchange(this.#options!, this.#parts, admitted, forwarding).begin()
  }
}
