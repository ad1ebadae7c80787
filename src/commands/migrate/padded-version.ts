/** A migration's number as its file has it: 11 is 011. */
export function paddedVersion (version: number): string {
  return String(version).padStart(3, '0')
}
