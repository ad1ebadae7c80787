import { register } from 'node:module'
import processOnSpawn from 'process-on-spawn'

// Newer Nodes strip the types themselves. On Node 20 each test process would spend half a second of CPU in a general
// loader, with hundreds of processes in a run: this one only looks up what is compiled already.
if (process.features.typescript === undefined) register('./typescript-hooks.mjs', import.meta.url)

// tap has every process that a test starts, gateways and commands included, load its book-keeping of coverage, which
// takes longer than many of them run.
processOnSpawn.removeAllListeners()
