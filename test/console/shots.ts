/**
 * `npm run console:shots`: the pictures of the console in docs/, out of a made-up night: light, dark, and a phone's width.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { browserPath } from '../browser.ts'
import { startFeed } from './feed.ts'
import { withFewColours } from './png.ts'

const docs = join(import.meta.dirname, '../../docs')
const shots = [
  { name: 'light', colorScheme: 'light', width: 1440 },
  { name: 'dark', colorScheme: 'dark', width: 1440 },
  { name: 'phone', colorScheme: 'light', width: 360 }
] as const

const executablePath = browserPath()
if (executablePath === undefined) throw new Error('chromium is missing: put it on the path, or set CHROMIUM_PATH')
const ends: (() => Promise<unknown>)[] = []
try {
  const feed = await startFeed({ after: (end) => ends.push(end) })
  const browser = await chromium.launch({ executablePath })
  ends.unshift(() => browser.close())
  for (const { name, colorScheme, width } of shots) {
    const page = await browser.newPage({ colorScheme, reducedMotion: 'reduce', viewport: { width, height: 900 } })
    await page.goto(`${feed.url}/console`)
    await page.locator('.uplot canvas').nth(2).waitFor()
    await page.waitForFunction("document.querySelector('.connection').textContent.includes('live')")
    await page.getByLabel('Number').fill('31460')
    await page.keyboard.press('Enter')
    await page.getByText('Customer 31460 is on the source.').waitFor()
    await page.getByLabel(/^A request/).fill('curl http://www.customer.example/rest/Customer/get_customer_info -d {}')
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText(/Nothing was sent\./).waitFor()
    await page.evaluate('scrollTo(0, 0)')
    const path = join(docs, `console-${name}.png`)
    writeFileSync(path, withFewColours(await page.screenshot({ fullPage: true })))
    process.stdout.write(`${path}\n`)
    await page.close()
  }
} finally {
  for (const end of ends) await end()
}
