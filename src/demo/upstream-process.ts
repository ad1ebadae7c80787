// The sample upstream as a process of its own, for docker-compose.yml: node dist/demo/upstream-process.js [PORT]
import { startSampleUpstream } from './sample-upstream.ts'

const upstream = await startSampleUpstream({ host: '0.0.0.0', port: Number(process.argv[2] ?? 9000) })
process.stdout.write(`sample upstream on ${upstream.url}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => upstream.close())
