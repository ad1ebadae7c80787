// The peer: Express Gateway with key-auth, its keys in its emulated Redis, one user holding them all.
// node express-gateway.cjs FOLDER_WITH_ITS_MODULES KEYS_FILE; EG_CONFIG_DIR says where its configuration is.
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')

const [modulesFolder, keysFile] = process.argv.slice(2)
const load = createRequire(join(modulesFolder, 'package.json'))
process.argv.length = 2
load('express-gateway/lib/config')
const { user: users, credential: credentials } = load('express-gateway/lib/services')

async function run () {
  const { id } = await users.insert({ username: 'bench', firstname: 'Bench', lastname: 'Mark' })
  for (const line of readFileSync(keysFile, 'utf8').trim().split('\n')) {
    const [keyId, keySecret] = line.split(':')
    await credentials.insertCredential(id, 'key-auth', { keyId, keySecret })
  }
  await load('express-gateway')().load(process.env.EG_CONFIG_DIR).run()
}

run().catch(err => {
  console.error(err)
  process.exit(1)
})
