/** The examples at the end of a command's help: a line to type, and what it does. */
export function examples (...lines: readonly (readonly [command: string, does: string])[]): string {
  return `\nExamples:\n${lines.map(([command, does]) => `  # ${does}\n  $ ${command}`).join('\n')}`
}
