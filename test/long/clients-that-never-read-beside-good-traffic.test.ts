import t from 'tap'
import { frontConfig } from '../support/front.ts'
import { prepareGatewayProcesses } from '../support/gateway-process.ts'
import { besiege } from '../support/siege.ts'
import { startRawUpstream } from '../support/upstream.ts'

const largeBytes = 64 * 1024 * 1024

t.test('a hundred clients that never read', async t => {
  const piece = Buffer.alloc(64 * 1024, 'x')
  const upstream = await startRawUpstream(t, (request, response) => {
    if (request.url !== '/large') {
      response.end('small')
      return
    }
    response.writeHead(200, { 'content-length': largeBytes })
    let left = largeBytes
    const write = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length
        if (!response.write(piece)) {
          response.once('drain', write)
          return
        }
      }
      response.end()
    }
    response.on('error', () => {})
    write()
  })
  const { start, headers } = await prepareGatewayProcesses(t, frontConfig(upstream.url, { sections: 'gateway: { sendTimeout: 4s }' }))
  const gateway = await start(t)
  const { peak } = await besiege(t, { gateway, headers, attacks: [{ kind: 'never-read', count: 100, key: headers['x-api-key'] }], calmMs: 4_000, attackMs: 20_000 })
  t.ok(peak.connections < 50, `each was given up in time: ${peak.connections} are open`)
})
