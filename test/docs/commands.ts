export interface Command {
  /** As the page has it, to the end of its last line. */
  readonly text: string
  /** Announced behind it as `# 200` or `# 403 insufficient_scope`. */
  readonly status: string | null
  readonly code: string | null
  /** Announced as `# exits with 2`; otherwise 0. */
  readonly exitCode: number
}

/** The commands of a block: a line each, and more where a line ends within quotes or by a backslash. */
export function commandsOf (block: string): Command[] {
  const commands: Command[] = []
  let begun = ''
  for (const line of block.split('\n')) {
    begun = begun === '' ? line : `${begun}\n${line}`
    if (begun.trim() === '' || /^\s*#/.test(begun)) begun = ''
    else if (!isOpen(begun)) {
      commands.push(commandOf(begun))
      begun = ''
    }
  }
  if (begun !== '') throw new Error(`a command that doesn't end: ${begun}`)
  return commands
}

/**
 * Whether it only looks: it may be asked again until it shows what a change of a moment ago brings about. A request with
 * a key goes to a service that keeps nothing, whatever its method; one with a token may change a key.
 */
export function isLook (command: string): boolean {
  if (!/^curl /.test(command)) return /^npx latchkey (keys (list|show)|tokens list|usage|doctor|migrate (status|verify))( |$)/.test(command)
  return !/ (-d|--data\S*|-T) /.test(command) && (!/ (-X|--request) /.test(command) || !/authorization:/i.test(command))
}

function commandOf (text: string): Command {
  const [, status = null, code = null] = /\s# (\d{3})(?: (\w+))?$/.exec(text) ?? []
  const [, exitCode = '0'] = /\s# exits with (\d+)$/.exec(text) ?? []
  return { text, status, code, exitCode: Number(exitCode) }
}

function isOpen (text: string): boolean {
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (quote === '' && character === '#' && /(^|\s)$/.test(text.slice(0, i))) i = text.indexOf('\n', i) < 0 ? text.length : text.indexOf('\n', i)
    else if (character === '\\' && quote !== "'") i++
    else if (quote === '' && (character === "'" || character === '"')) quote = character
    else if (character === quote) quote = ''
  }
  return quote !== '' || text.endsWith('\\')
}
