import { createHash } from 'node:crypto'
import type { ApiDocument, ApiOperation } from './document.ts'
import { escaped, prose } from './html.ts'
import { operationSection } from './operation.ts'
import { fieldTable } from './schema.ts'
import { style } from './style.ts'

export interface Reference {
  /** HTML. */
  readonly body: string
  /** The Content-Security-Policy that allows just its style. */
  readonly policy: string
}

/** The reference of the admin API as one page, made of its OpenAPI document. No script, and nothing from elsewhere. */
export function createReference (openApiText: string): Reference {
  const styleHash = createHash('sha256').update(style).digest('base64')
  return {
    body: page(JSON.parse(openApiText) as ApiDocument),
    policy: `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

interface PlacedOperation {
  readonly method: string
  readonly path: string
  readonly operation: ApiOperation
}

function page (document: ApiDocument): string {
  const { info, components } = document
  const placed = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]): PlacedOperation => ({ method: method.toUpperCase(), path, operation })))
  const groups = document.tags.map(tag => ({ ...tag, id: `group-${tag.name.toLowerCase()}`, members: placed.filter(({ operation }) => operation.tags.includes(tag.name)) }))
  const objects = Object.entries(components.schemas)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<a class="skip" href="#content">Skip to the calls</a>
<h1>${escaped(info.title)}</h1>
<p>Version ${escaped(info.version)}. For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
</header>
<nav aria-label="Contents">
${groups.map(({ name, members }) => `<p>${escaped(name)}</p>
<ul>
${members.map(({ operation }) => `<li><a href="#operation-${operation.operationId}">${prose(operation.summary)}</a></li>`).join('\n')}
</ul>`).join('\n')}
<p><a href="#objects">Objects</a></p>
</nav>
<main id="content">
<p>${prose(info.description)}</p>
<p>Every call but those for health, metrics and this page carries <code>Authorization: Bearer</code> with <code>LATCHKEY_ADMIN_TOKEN</code>, or with a token that <code>latchkey tokens create</code> made. Times are in ISO 8601, in UTC. Lists come in pages: pass <code>nextCursor</code> as <code>cursor</code> until it is <code>null</code>. The examples are for the default address, and for the key with the id 1.</p>
${groups.map(({ id, name, description, members }) => `<section aria-labelledby="${id}">
<h2 id="${id}">${escaped(name)}</h2>
<p>${prose(description)}</p>
${members.map(({ method, path, operation }) => operationSection(document, method, path, operation)).join('\n')}
</section>`).join('\n')}
<section aria-labelledby="objects">
<h2 id="objects">Objects</h2>
${objects.map(([name, schema]) => `<section class="object" aria-labelledby="object-${name}">
<h3 id="object-${name}">${name}</h3>
${schema.description === undefined ? '' : `<p>${prose(schema.description)}</p>`}
${fieldTable(`Fields of ${name}`, schema)}
</section>`).join('\n')}
</section>
</main>
</body>
</html>
`
}
