// npm run pictures: takes the pictures of docs/ from the page as it is, before a `latchkey demo` of its own with made-up
// keys and usage. Needs Chromium (CHROMIUM, or /usr/bin/chromium) and a build.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Page } from 'playwright-core'
import { type Demo, fill } from './pictures-data.ts'

const root = join(import.meta.dirname, '..')
const pictures = join(root, 'docs/pictures')
const desktop = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }

const folder = mkdtempSync(join(tmpdir(), 'latchkey-pictures-'))
// As root, the user as whom Postgres runs must be able to enter it.
chmodSync(folder, 0o711)
const child = spawn(process.execPath, [join(root, 'dist/main.js'), 'demo', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: process.env.HOME } })
const ended = once(child, 'close')
try {
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => { throw new Error('the demo ended') })]) as [string]
  const demo = JSON.parse(line) as Demo
  const { rotatingId } = await fill(demo)
  mkdirSync(pictures, { recursive: true })
  await take(demo, rotatingId)
} finally {
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}

async function take ({ adminUrl, adminToken }: Demo, rotatingId: number): Promise<void> {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  try {
    await picture('overview', '/', { size: { ...desktop, height: 1100 } })
    await picture('overview-dark', '/', { size: { ...desktop, height: 1100 }, colorScheme: 'dark' })
    await picture('keys', '/keys')
    await picture('create', '/keys/new', {
      size: { ...desktop, height: 1080 },
      before: async page => {
        await page.getByLabel('Name').fill('Warehouse sync')
        await page.getByLabel('User').fill('ada@example.com')
        await page.getByLabel('inventory:read').check()
        await page.getByLabel('tickets:*').check()
      },
    })
    await picture('key', `/keys/${rotatingId}`, { size: { ...desktop, height: 1100 } })
    await picture('rotate', `/keys/${rotatingId}`, { before: async page => { await page.getByRole('button', { name: 'Rotate' }).click() } })
    await picture('routes', '/routes', {
      before: async page => {
        await page.getByLabel('Path').fill('/inventory/items')
        await page.getByLabel('Key', { exact: true }).fill(String(rotatingId))
        await page.getByRole('button', { name: 'Explain' }).click()
        await page.locator('.verdict').waitFor()
      },
    })
    await picture('phone', `/keys/${rotatingId}`, { size: phone })
  } finally {
    await browser.close()
  }

  async function picture (name: string, address: string, { size = desktop, colorScheme = 'light', before }: {
    readonly size?: { readonly width: number, readonly height: number }
    readonly colorScheme?: 'light' | 'dark'
    readonly before?: (page: Page) => Promise<void>
  } = {}): Promise<void> {
    const page = await browser.newPage({ viewport: size, colorScheme, reducedMotion: 'reduce', timezoneId: 'UTC' })
    await page.addInitScript(`sessionStorage.setItem('latchkey.token', ${JSON.stringify(adminToken)})`)
    await page.goto(`${adminUrl}/#${address}`)
    await page.locator('h1').waitFor()
    await page.waitForLoadState('networkidle')
    await before?.(page)
    await page.waitForLoadState('networkidle')
    await page.screenshot({ path: join(pictures, `${name}.png`) })
    await page.close()
  }
}
