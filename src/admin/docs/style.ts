export const style = `
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; --line: light-dark(#d0d7de, #3d444d); --faint: light-dark(#57606a, #9da7b1); --raised: light-dark(#f6f8fa, #161b22); --link: light-dark(#0550ae, #79c0ff) }
html { scroll-padding-top: 1rem; background: light-dark(#fff, #0d1117); color: light-dark(#1f2328, #e6edf3) }
body { margin: 0; display: grid; grid-template-columns: minmax(13rem, 17rem) minmax(0, 52rem); gap: 0 3rem; padding: 0 1.5rem }
header { grid-column: 1 / -1; padding: 2rem 0 1rem; border-bottom: 1px solid var(--line) }
nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: 1.5rem 0; font-size: .9rem }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0 }
nav li a { display: block; padding: .15rem 0 }
main { padding: 1.5rem 0 6rem; min-width: 0 }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.3 }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.4rem }
h3 { margin: 0; font-size: 1.15rem }
h4 { margin: 1.25rem 0 .25rem; font-size: .95rem }
h3 a { color: inherit; text-decoration: none }
h3 a:hover { text-decoration: underline }
p { margin: .5rem 0 }
a { color: var(--link) }
nav p { margin: 0; font-weight: 600 }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px }
.operation, .object { margin: 1.5rem 0; padding-top: 1.5rem; border-top: 1px solid var(--line) }
.call { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline }
.right, small { color: var(--faint); font-size: .85rem }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px }
pre code { overflow-wrap: normal }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
thead th { color: var(--faint); font-weight: 500; font-size: .85rem }
tbody th { font-weight: 400 }
details { margin: .75rem 0 }
summary { cursor: pointer; width: fit-content }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.skip { position: absolute; left: -100vw }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--raised) }
@media (max-width: 60rem) { body { display: block } nav { position: static; max-height: none } }
@media (max-width: 40rem) { tr { display: block; padding: .35rem 0; border-bottom: 1px solid var(--line) } th, td { display: block; border: 0; padding: .1rem 0 } thead { display: none } table, tbody { display: block } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth } }
`
