import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const checksumLength = 6

/** What secrets are made of: 5.95 random bits a character. */
export function randomBase62 (length: number): string {
  // 248 is the largest multiple of 62 in a byte: using the eight values above it would favour the first digits.
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += digits.charAt(byte % 62)
    }
  }
  return text
}

/** CRC-32, as in zlib, of ASCII text: six base62 digits, most significant first. */
export function checksumOf (text: string): string {
  let rest = crc32(text)
  let checksum = ''
  for (let i = 0; i < checksumLength; i++) {
    checksum = digits.charAt(rest % 62) + checksum
    rest = Math.floor(rest / 62)
  }
  return checksum
}

/** Whether a text ends with the checksum of what comes before: one that doesn't was mistyped, or cut. */
export function hasChecksum (text: string): boolean {
  const end = text.length - checksumLength
  return text.slice(end) === checksumOf(text.slice(0, end))
}
