import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { until } from '../support/until.ts'

export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const

export interface TabOptions {
  readonly size?: keyof typeof sizes
  readonly colorScheme?: 'light' | 'dark'
  /** What of the console is meant to be there: the browser notes every answer of 400 or above. */
  readonly expected?: RegExp
}

/** Chromium, without its sandbox where that can't be had. Closed by the test's teardown. */
export async function openBrowser (t: Pick<Test, 'teardown'>): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-dev-shm-usage', ...process.getuid?.() === 0 ? ['--no-sandbox'] : []],
  })
  t.teardown(() => browser.close())
  return browser
}

/**
 * A tab of its own, with a storage and clipboard of its own. The test fails for any error that the page throws or the
 * console shows, violations of the policy included, and for any request to another listener than the page's.
 */
export async function openTab (t: Test, browser: Browser, url: string, { size = 'desktop', colorScheme = 'light', expected }: TabOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/London' })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin })
  const page = await context.newPage()
  page.on('pageerror', err => t.fail('the page threw', { err }))
  page.on('console', message => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    if (expected?.test(message.text()) !== true) t.fail(`the console says: ${message.text()}`)
  })
  page.on('request', request => {
    if (!request.url().startsWith('data:') && new URL(request.url()).origin !== new URL(url).origin) t.fail(`a request went to ${request.url()}`)
  })
  await page.goto(url)
  return page
}

export async function signIn (page: Page, token: string): Promise<void> {
  await page.getByLabel('Admin token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly target: readonly unknown[], readonly failureSummary?: string }[]
}

/** What axe-core finds, all rules included, and whether anything needs scrolling sideways. */
export async function isAccessible (t: Test, page: Page, what: string): Promise<void> {
  // Past the policy: the browser's own door for tools.
  await page.evaluate(axe)
  const violations = await page.evaluate<Violation[]>('axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)')
  t.same(violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`) })), [], `${what}: axe finds nothing`)
  t.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), `${what}: nothing scrolls sideways`)
}

/** The title of the view that is shown. */
export async function shows (page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
  await until(async () => await page.getByText('Loading').count() === 0, `${title} has loaded`)
}
