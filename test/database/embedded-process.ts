import pino from 'pino'
import { openEmbedded } from '../../src/database/embedded.ts'

// One process that opens the embedded database of a folder, says so on a line of standard output, and closes it when
// its standard input ends. Started by embedded-fixture.ts.

const [dataDir = '', role = ''] = process.argv.slice(2)
try {
  const embedded = await openEmbedded({ dataDir, role: role === 'gateway' ? 'gateway' : 'command', logger: pino({ level: 'silent' }) })
  console.log(JSON.stringify({ url: embedded.url, isOwner: embedded.isOwner, pepper: embedded.pepper.toString('hex') }))
  process.stdin.resume().on('end', () => { embedded.close().then(() => process.exit()) })
} catch (err) {
  console.log(JSON.stringify({ error: err instanceof Error ? `${err.name}: ${err.message}` : String(err) }))
}
