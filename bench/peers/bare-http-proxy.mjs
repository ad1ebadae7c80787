// The peer: @fastify/http-proxy as its documentation shows it, with no key check and no record.
import Fastify from 'fastify'
import httpProxy from '@fastify/http-proxy'

const [port, upstream] = process.argv.slice(2)
const app = Fastify({ logger: false })
await app.register(httpProxy, { upstream })
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.once('SIGTERM', () => app.close())
