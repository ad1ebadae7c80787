/** Whether it is a whole email or UUID, as the API takes them. */
export function isUser (text: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(text) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}
