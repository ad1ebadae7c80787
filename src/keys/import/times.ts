const time = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d(?::?\d\d)?)$/i

/**
 * ISO 8601 with its zone, or what Postgres writes (`2030-01-31 12:00:00.123456+00`), as a text that Postgres reads;
 * null: neither. The text keeps the microseconds that a Date hasn't.
 */
export function timeText (text: string): string | null {
  const parts = time.exec(text)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = ''] = parts
  // V8 reads 30 February as 2 March.
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 7)}${fullZone(zone)}`
  if (Number(year) < 1 || Number(day) > daysInMonth || Number.isNaN(msOf(written))) return null
  return written
}

/** Of what `timeText` returns. */
export function msOf (text: string): number {
  return Date.parse(text.replace(/(\.\d{3})\d+/, '$1'))
}

function fullZone (zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z'
  return `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
}
