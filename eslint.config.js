import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, filesTs: ['**/*.tsx'], ignores: ['dist', 'node_modules', '.tap', '.latchkey'] }),
  {
    files: ['src/**/*.ts'],
    rules: {
      // Only config/ reads the environment; everything else is handed what it needs.
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Read the environment in src/config/ only.' }],
    },
  },
  { files: ['src/config/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
]
