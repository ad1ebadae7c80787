export { hasEmbedded, openEmbedded, type Embedded, type EmbeddedOptions } from './embedded/index.ts'
