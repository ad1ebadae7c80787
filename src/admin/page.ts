import { createHash } from 'node:crypto'

/**
 * A page that says what this port is, and leads to what it serves. No script, nothing from elsewhere; `policy` is the
 * Content-Security-Policy that allows just its style.
 */
export function createPage (version: string): { readonly body: string, readonly policy: string } {
  const styleHash = createHash('sha256').update(style).digest('base64')
  return {
    body: page(version),
    policy: `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

const style = `
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
body { max-width: 36rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { margin: 0; font-size: 1.75rem }
h1 + p { margin-top: 0; opacity: .7 }
dt { margin-top: 1rem; font-family: ui-monospace, monospace }
dd { margin: 0 }
a { color: light-dark(#0550ae, #79c0ff) }
a:focus-visible { outline: 2px solid; outline-offset: 2px }
`

function page (version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Latchkey</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Latchkey</h1>
<p>API gateway, version ${escapeHtml(version)}. This is its admin port.</p>
<dl>
<dt><a href="/metrics">/metrics</a></dt>
<dd>Metrics for Prometheus.</dd>
<dt><a href="/healthz">/healthz</a></dt>
<dd>Whether the process is alive.</dd>
<dt><a href="/readyz">/readyz</a></dt>
<dd>Whether the gateway wants traffic: it has reached its key store, and is not draining.</dd>
</dl>
</main>
</body>
</html>
`
}

function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
