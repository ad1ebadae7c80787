import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import { freePort } from '../../src/database/embedded/postgres-process.ts'
import { latchkeyProgram } from '../support/cli.ts'
import { until } from '../support/until.ts'
import { type Command, commandsOf, isLook } from './commands.ts'
import { jsonDifference, missingLine } from './expectations.ts'
import { type Block, blocksOf, readPage } from './markdown.ts'
import { makeProgramFolder, type Ran, removeFolder, Shell, type Surroundings, Terminal } from './shell.ts'

export interface Guide {
  /** Of docs/. */
  readonly page: string
  /** Pages that the reader has gone through before, each up to this heading. */
  readonly after?: readonly { readonly page: string, readonly upTo: string }[]
  /** In the environment of all commands. Without DATABASE_URL, they have their embedded database. */
  readonly env?: Readonly<Record<string, string>>
  /** Ports that the pages name, each replaced by a free one wherever it stands. */
  readonly ports: readonly number[]
  /** What the page takes for granted is there already; before anything runs. */
  readonly prepare?: (place: { readonly folder: string, readonly portOf: (documented: number) => number }) => Promise<void>
}

const root = path.join(import.meta.dirname, '../..')
const reasonCharsMin = 25
const looksTimeoutMs = 30_000

/** Does what a page says, in a folder of its own, and checks that one sees what it shows. Every block counts. */
export async function followGuide (t: Test, { page, after = [], env = {}, ports, prepare }: Guide): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-guide-'))
  t.teardown(() => removeFolder(folder))
  // As root, the user as whom the embedded Postgres runs must be able to enter them.
  chmodSync(folder, 0o711)
  const [cwd, programs, transcript] = ['reader', 'programs', 'transcript'].map((name) => path.join(folder, name)) as [string, string, string]
  makeProgramFolder(programs, latchkeyProgram)
  for (const made of [cwd, transcript]) mkdirSync(made, { mode: 0o711 })
  symlinkSync(path.join(root, 'node_modules'), path.join(cwd, 'node_modules'))

  const portOf = new Map<number, number>()
  for (const port of ports) portOf.set(port, await freePort())
  await prepare?.({ folder: cwd, portOf: (port) => portOf.get(port) ?? port })
  const surroundings: Surroundings = {
    cwd,
    env: {
      PATH: `${programs}:${process.env.PATH}`,
      HOME: folder,
      LATCHKEY_PORT: String(portOf.get(8080)),
      LATCHKEY_ADMIN_PORT: String(portOf.get(8081)),
      ...env,
    },
  }
  const reader = new Reader(t, surroundings, transcript, portOf)
  for (const { page, upTo } of after) {
    const blocks = blocksOf(page, readPage(page))
    const end = blocks.findIndex(({ heading }) => heading === upTo)
    if (end < 0) throw new Error(`${page} has no block under ${upTo}`)
    for (const block of blocks.slice(0, end)) await reader.follow(block)
  }
  for (const block of blocksOf(page, readPage(page))) await reader.follow(block)
}

class Reader {
  readonly #t: Test
  readonly #surroundings: Surroundings
  readonly #portOf: ReadonlyMap<number, number>
  readonly #shell: Shell
  /** By their commands. */
  readonly #terminals = new Map<string, Terminal>()
  /** The command that ran last: what is shown behind it is its output. */
  #last: { readonly command: Command, ran: Ran, readonly output: string } | null = null

  constructor (t: Test, surroundings: Surroundings, transcript: string, portOf: ReadonlyMap<number, number>) {
    this.#t = t
    this.#surroundings = surroundings
    this.#portOf = portOf
    this.#shell = new Shell(t, surroundings, transcript)
  }

  async follow (block: Block): Promise<void> {
    const place = `${block.page}:${block.line}`
    const text = this.#withPorts(block.text)
    const { marker, language } = block
    if (marker?.kind === 'not run') {
      this.#t.ok(marker.reason.length >= reasonCharsMin, `${place} is not run: ${marker.reason}`)
      this.#last = null
    } else if (marker?.kind === 'file') this.#write(marker.name, marker.from, text)
    else if (marker?.kind === 'terminal') await this.#start(text, marker.until, place)
    else if (language === 'sh') await this.#run(text, place)
    else if (language === 'sql') await this.#query(text, place)
    else if (language === 'json') await this.#shows(place, ({ stdout }) => prefixed('it differs in ', jsonDifference(text, stdout)))
    else if (language === 'text') await this.#shows(place, ({ stdout, stderr }, output) => prefixed('it lacks ', missingLine(text, `${output}\n${stdout}\n${stderr}`)))
    else throw new Error(`${place}: a block that nothing runs or checks`)
  }

  #withPorts (text: string): string {
    return text.replace(/\b\d{4}\b/g, (digits) => String(this.#portOf.get(Number(digits)) ?? digits))
  }

  #write (name: string, from: string | null, text: string): void {
    const file = path.join(this.#surroundings.cwd, name)
    if (from === null) return writeFileSync(file, `${text}\n`)
    const before = readFileSync(file, 'utf8')
    const start = before.startsWith(from) ? 0 : before.indexOf(`\n${from}`) + 1
    if (start === 0 && !before.startsWith(from)) throw new Error(`${name} has no line that begins with ${from}`)
    writeFileSync(file, `${before.slice(0, start)}${text}\n`)
  }

  /** A command that runs on in a terminal already is ended there first. */
  async #start (command: string, announcement: string, place: string): Promise<void> {
    await this.#terminals.get(command)?.close()
    const terminal = new Terminal(this.#t, command, this.#surroundings)
    this.#terminals.set(command, terminal)
    await terminal.prints(announcement)
    this.#t.pass(`${place}: ${command}`)
  }

  async #run (text: string, place: string): Promise<void> {
    let output = ''
    for (const command of commandsOf(text)) {
      const ran = await this.#until(command, await this.#shell.run(command.text), (ran) => faultOf(command, ran), `${place}: ${command.text}`)
      if (command.text === 'npx latchkey init') this.#write('gateway.yaml', null, this.#withPorts(readFileSync(path.join(this.#surroundings.cwd, 'gateway.yaml'), 'utf8').trimEnd()))
      this.#last = { command, ran, output }
      output += ran.stdout + ran.stderr
    }
  }

  /** What a change has brought about arrives a moment later: whoever looks again sees it. */
  async #until (command: Command, ran: Ran, fault: (ran: Ran) => string | null, title: string): Promise<Ran> {
    let seen = ran
    if (fault(seen) !== null && isLook(command.text)) {
      await until(async () => {
        seen = await this.#shell.run(command.text)
        return fault(seen) === null
      }, title, { timeoutMs: looksTimeoutMs }).catch(() => {})
    }
    const found = fault(seen)
    if (found === null) this.#t.pass(title)
    else this.#t.fail(`${title}: ${found}`, { ...seen })
    return seen
  }

  async #shows (place: string, difference: (ran: Ran, output: string) => string | null): Promise<void> {
    const { command, ran, output } = this.#last ?? {}
    if (command === undefined || ran === undefined || output === undefined) throw new Error(`${place}: shows the output of nothing that ran`)
    await this.#until(command, ran, (ran) => difference(ran, output), `${place} is what one sees`)
  }

  async #query (text: string, place: string): Promise<void> {
    const client = new pg.Client(this.#surroundings.env.DATABASE_DIRECT_URL ?? this.#surroundings.env.DATABASE_URL)
    await client.connect()
    try {
      await client.query(text)
      this.#t.pass(`${place} runs`)
    } catch (err) {
      this.#t.fail(`${place}: ${String(err)}`)
    } finally {
      await client.end()
    }
    this.#last = null
  }
}

function prefixed (words: string, what: string | null): string | null {
  return what === null ? null : words + what
}

function faultOf ({ status, code, exitCode }: Command, ran: Ran): string | null {
  if (ran.exitCode !== exitCode) return `it exits with ${ran.exitCode}`
  if (status !== null && ran.status !== status) return `it answers ${ran.status}`
  return code === null || ran.stdout.includes(`"${code}"`) ? null : `it does not say ${code}`
}
