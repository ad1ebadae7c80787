// npm run openapi: writes what is generated from src/admin/api/specs/. A test checks that both files are current.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedModule, openApiDocument } from '../src/admin/api/openapi.ts'
import { productVersion } from '../src/config/version.ts'

const root = join(import.meta.dirname, '..')
const document = openApiDocument(productVersion())
writeFileSync(join(root, 'docs/openapi.json'), `${JSON.stringify(document, null, 2)}\n`)
writeFileSync(join(root, 'src/admin/api/openapi.generated.ts'), generatedModule(document))
