/**
 * A page in a real browser, which sees this machine alone; all that it asks for and complains of is written down.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'

export interface Watched {
  readonly page: Page
  /** URLs, those of workers and WebSockets included. */
  readonly requests: readonly string[]
  /** What the console has, and what was thrown. */
  readonly complaints: readonly string[]
}

export function browserPath(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'chromium'))
  return process.env.CHROMIUM_PATH ?? onPath.find((path) => existsSync(path))
}

/** Hosts of this machine by their names, each with the port that is reached at whatever port is asked for. */
export type LocalHosts = Readonly<Record<string, number>>

const launch = (executablePath: string, rules: string) =>
  chromium.launch({ executablePath, args: [`--host-resolver-rules=${rules}`] })

/** The browser that a test gets: one that knows these hosts. */
type Launch = (t: TestContext, ...how: Parameters<typeof launch>) => Promise<Browser>

async function launchForOne(t: TestContext, ...how: Parameters<typeof launch>): Promise<Browser> {
  const browser = await launch(...how)
  t.after(() => browser.close())
  return browser
}

/** A browser of the test's own. Null, and the test is left out by name, where there is none; under CI there must be one. */
export const openBrowser = (t: TestContext, hosts: LocalHosts = {}) => openPage(t, hosts, launchForOne)

/**
 * The same with one browser for all tests of a file, called before the first of them: to start one costs more than most
 * of them do. Cookies and storage are each test's own; the hosts must be the same for all.
 */
export function sharedBrowser(): typeof openBrowser {
  let launched: { readonly rules: string; readonly browser: Promise<Browser> } | undefined
  after(async () => (await launched?.browser)?.close())
  return (t, hosts = {}) =>
    openPage(t, hosts, (_t, path, rules) => {
      launched ??= { rules, browser: launch(path, rules) }
      assert.equal(rules, launched.rules, 'the browser was launched with other hosts')
      return launched.browser
    })
}

async function openPage(t: TestContext, hosts: LocalHosts, browserFor: Launch): Promise<Watched | null> {
  const executablePath = browserPath()
  if (executablePath === undefined) {
    assert.ok(!process.env.CI, 'chromium is missing, and CI must not pass without it')
    t.skip('not run: neither CHROMIUM_PATH nor the path has chromium')
    return null
  }
  // A name of another host does not even leave as a question for its address.
  const known = Object.entries(hosts).map(([name, port]) => `MAP ${name} 127.0.0.1:${port}`)
  const rules = [...known, 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'].join(', ')
  const browser = await browserFor(t, executablePath, rules)
  // Their certificates are made for the test.
  const context = await browser.newContext({ ignoreHTTPSErrors: known.length > 0 })
  t.after(() => context.close())
  const page = await context.newPage()
  const requests: string[] = []
  const complaints: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, requests, complaints }
}
