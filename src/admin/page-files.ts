import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

export interface PageAnswer {
  readonly status: number
  readonly type: string
  readonly body: Buffer | string
  readonly headers: Readonly<Record<string, string>>
}

export interface PageFile {
  /** On the listener: `/` for the page itself. */
  readonly path: string
  answer (headers: IncomingHttpHeaders): PageAnswer
}

/** Where `npm run build` puts the page, seen from src/ and from dist/ alike. */
const builtPage = join(import.meta.dirname, '../../dist/page')

/** What the page needs and nothing else: it has no inline script or style, and calls only this listener. */
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "font-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ')

/** All files of the web page, read once. Without a built page, one that says how to build it. */
export function readPageFiles (folder: string = builtPage): readonly PageFile[] {
  const names = readdirIfThere(folder)
  if (!names.includes('index.html')) return [unbuilt]
  return names.map(name => pageFile(name === 'index.html' ? '/' : `/${name}`, typeOf(name), readFileSync(join(folder, name))))
}

function pageFile (path: string, type: string, content: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
  // Once somebody asks: most gateways are never looked at.
  let zipped: Buffer | null = null
  const headers = {
    'content-security-policy': policy,
    // The names of the others hold their hash.
    'cache-control': path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag,
  }
  return {
    path,
    answer: ({ 'if-none-match': known = '', 'accept-encoding': encodings = '' }) => {
      if (known.split(/, */).some(tag => tag.replace(/^W\//, '') === etag)) return { status: 304, type, body: '', headers }
      if (!acceptsGzip(String(encodings))) return { status: 200, type, body: content, headers }
      zipped ??= gzipSync(content, { level: 9 })
      return { status: 200, type, body: zipped, headers: { ...headers, 'content-encoding': 'gzip' } }
    },
  }
}

function acceptsGzip (encodings: string): boolean {
  return encodings.split(',').some(encoding => /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(encoding))
}

const unbuilt: PageFile = {
  path: '/',
  answer: () => ({
    status: 200,
    type: 'text/plain; charset=utf-8',
    body: 'Latchkey: this is the admin port. Its web page is not built here yet; npm run build does that.\n\n/metrics   metrics for Prometheus\n/healthz   whether the process is alive\n/readyz    whether the gateway wants traffic\n',
    headers: {},
  }),
}

function readdirIfThere (folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'))
  } catch {
    return []
  }
}

function typeOf (name: string): string {
  return types.get(extname(name)) ?? 'application/octet-stream'
}

const types: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
])
