/**
 * A page in a real browser, which sees this machine alone; all that it asks for and complains of is written down.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { chromium, type Page } from 'playwright-core'

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

/** Null, and the test is left out by name, where there is no browser; under CI there must be one. */
export async function openBrowser(t: TestContext, hosts: LocalHosts = {}): Promise<Watched | null> {
  const executablePath = browserPath()
  if (executablePath === undefined) {
    assert.ok(!process.env.CI, 'chromium is missing, and CI must not pass without it')
    t.skip('not run: neither CHROMIUM_PATH nor the path has chromium')
    return null
  }
  // A name of another host does not even leave as a question for its address.
  const known = Object.entries(hosts).map(([name, port]) => `MAP ${name} 127.0.0.1:${port}`)
  const args = [`--host-resolver-rules=${[...known, 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'].join(', ')}`]
  const browser = await chromium.launch({ executablePath, args })
  t.after(() => browser.close())
  // Their certificates are made for the test.
  const context = await browser.newContext({ ignoreHTTPSErrors: known.length > 0 })
  const page = await context.newPage()
  const requests: string[] = []
  const complaints: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  page.on('websocket', (socket) => requests.push(socket.url()))
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, requests, complaints }
}
