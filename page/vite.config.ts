import path from 'node:path'
import { defineConfig } from 'vite'

// The admin listener serves what this builds (src/admin/page-files.ts), under a policy that allows no inline script or
// style and no data: script, so nothing is inlined here.
export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that a proxy may serve the page below a path of its own.
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: path.join(import.meta.dirname, '../dist/page'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `npx vite page`: the page as it is edited, before a running admin listener.
  server: { proxy: { '/v1': 'http://127.0.0.1:8081', '/docs': 'http://127.0.0.1:8081' } },
})
