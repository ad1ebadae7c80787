// npm run schema: writes what is generated from src/config/schema.ts. A test checks that both files are current.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedModule, generatedSchema } from '../src/config/schema.ts'

const root = join(import.meta.dirname, '..')
writeFileSync(join(root, 'config/gateway.schema.json'), generatedSchema())
writeFileSync(join(root, 'src/config/schema.generated.ts'), generatedModule())
