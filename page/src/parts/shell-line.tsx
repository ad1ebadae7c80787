import { CopyButton } from './copy.tsx'

/** A line to run in a shell, with a button that copies it. */
export function ShellLine ({ line, label }: { readonly line: string, readonly label: string }) {
  return (
    <div class='shell-line'>
      <pre tabIndex={0} role='region' aria-label={label.replace(/^Copy (the )?/, '')}><code>{line}</code></pre>
      <CopyButton text={line} label={label} isQuiet />
    </div>
  )
}
