/** A day or a moment in ISO 8601; null where the text is neither. A time of day needs its zone: two readers must not read two moments. */
export function isoTime (text: string): Date | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/.exec(text)
  const time = new Date(text)
  // V8 reads 30 February as 2 March.
  const daysInMonth = parts === null ? 0 : new Date(Date.UTC(Number(parts[1]), Number(parts[2]), 0)).getUTCDate()
  return parts === null || Number.isNaN(time.getTime()) || Number(parts[3]) > daysInMonth ? null : time
}
