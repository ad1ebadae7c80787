const paths = {
  overview: 'M3 13V8m5 5V3m5 10V6',
  key: 'M8.7 7.3a3.4 3.4 0 1 1-1-1l5.3-.1M11 6.2v2.3m2-2.4V8',
  routes: 'M3 4.5h3.2c2.8 0 1.8 7 4.6 7H13m-2-2 2 2-2 2M10.8 4.5H13',
  audit: 'M8 4.6V8l2.2 1.5M2.6 8a5.4 5.4 0 1 0 1.7-3.9L2.6 5.6m0-3v3h3',
  book: 'M8 4.2C6.8 3.3 5 3 3 3v9c2 0 3.8.3 5 1.2m0-9C9.2 3.3 11 3 13 3v9c-2 0-3.8.3-5 1.2m0-9v9',
  copy: 'M5.5 5.5V4A1.5 1.5 0 0 1 7 2.5h5A1.5 1.5 0 0 1 13.5 4v5a1.5 1.5 0 0 1-1.5 1.5h-1.5M4 5.5h5A1.5 1.5 0 0 1 10.5 7v5A1.5 1.5 0 0 1 9 13.5H4A1.5 1.5 0 0 1 2.5 12V7A1.5 1.5 0 0 1 4 5.5Z',
  check: 'm3.5 8.5 3 3 6-7',
  eye: 'M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8Zm8 0a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0Z',
  search: 'm13.5 13.5-3.3-3.3m1.3-3.2a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0Z',
  plus: 'M8 3v10M3 8h10',
  warning: 'M8 6v3m0 2.3v.2M7.1 2.8 1.9 11.7a1 1 0 0 0 .9 1.5h10.4a1 1 0 0 0 .9-1.5L8.9 2.8a1 1 0 0 0-1.8 0Z',
  rotate: 'M13 3v3.5H9.5M3 13V9.5h3.5M12.6 6.3A5 5 0 0 0 3.7 5M3.4 9.7A5 5 0 0 0 12.3 11',
  close: 'm4 4 8 8m0-8-8 8',
  pause: 'M5.5 4v8m5-8v8',
  clock: 'M8 4.8V8l2 1.4M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0Z',
  out: 'M6 2.8H4A1.2 1.2 0 0 0 2.8 4v8A1.2 1.2 0 0 0 4 13.2h2M10.5 11l3-3-3-3m3 3H6.5',
} as const

export type IconName = keyof typeof paths

/** Beside words only: to a screen reader it isn't there. */
export function Icon ({ name }: { readonly name: IconName }) {
  return (
    <svg class='icon' viewBox='0 0 16 16' width='16' height='16' fill='none' stroke='currentColor' stroke-width='1.5' stroke-linecap='round' stroke-linejoin='round' aria-hidden='true'>
      <path d={paths[name]} />
    </svg>
  )
}
