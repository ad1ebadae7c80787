import { redactKeys } from '../keys/format.ts'

/** Takes keys and the passwords of URLs out of what a command is about to print. */
export function redact (text: string): string {
  return redactKeys(text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*):[^\s@]*@/gi, '$1:***@').replace(/([?&](?:password|pass|pwd|secret|token)=)[^\s&]*/gi, '$1***'))
}
