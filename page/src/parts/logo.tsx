export function Logo () {
  return (
    <svg class='logo' viewBox='0 0 32 32' width='28' height='28' aria-hidden='true'>
      <rect class='logo-ground' width='32' height='32' rx='8' />
      <circle cx='12' cy='16' r='4.5' fill='none' stroke='#fff' stroke-width='2.6' />
      <path d='M16.5 16h9M22 16v4.4' fill='none' stroke='#fff' stroke-width='2.6' stroke-linecap='round' />
    </svg>
  )
}
