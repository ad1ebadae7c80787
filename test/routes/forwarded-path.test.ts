import t from 'tap'
import { forwardedPath } from '../../src/routes/forwarded-path.ts'

const cells: [string | null, string, string][] = [
  [null, '/inventory/42', '/inventory/42'],
  [null, '/%69nventory/a%20b', '/%69nventory/a%20b'],
  ['/inventory', '/inventory', '/'],
  ['/inventory', '/inventory/', '/'],
  ['/inventory', '/inventory/42', '/42'],
  ['/inventory', '/inventory/a%20b/', '/a%20b/'],
  ['/inventory', '/%69nventory/42', '/42'],
  ['/inventory', '/%69nventory', '/'],
  ['/api/v1', '/api/v1/users', '/users'],
  ['/api/v1', '/ap%69/v%31/users/x', '/users/x'],
  ['/api/v1', '/api/v%31', '/'],
]
for (const [stripPrefix, path, expected] of cells) {
  t.equal(forwardedPath({ stripPrefix }, path), expected, `${path} without ${stripPrefix}`)
}
