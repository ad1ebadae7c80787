import type { CaseGroup } from '../case.ts'
import { chunks } from './chunks.ts'
import { codings } from './codings.ts'
import { connection } from './connection.ts'
import { endings } from './endings.ts'
import { expectations } from './expectations.ts'
import { hosts } from './hosts.ts'
import { identity } from './identity.ts'
import { lengths } from './lengths.ts'
import { lines } from './lines.ts'
import { methods } from './methods.ts'
import { pipelining } from './pipelining.ts'
import { targets } from './targets.ts'
import { trailers } from './trailers.ts'
import { versions } from './versions.ts'

/** Where a request ends and the next one begins: what smuggling lives on. */
export const framing: readonly CaseGroup[] = [lengths, codings, chunks, trailers, pipelining]

export const otherThanFraming: readonly CaseGroup[] = [lines, versions, methods, targets, hosts, connection, expectations, endings, identity]

/** All that is about requests, in the order in which the table shows it. */
export const requests: readonly CaseGroup[] = [...framing, ...otherThanFraming]
