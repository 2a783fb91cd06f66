/**
 * What a gateway's `GET /metrics` says, and its access lines, as tests read them.
 */
import assert from 'node:assert/strict'
import type { LoggedLine, Running } from './build.ts'
import { ask } from './client.ts'
import { until } from './until.ts'

/** Values by series: `name{label="value",...}`, without the gateway's own prefix. */
export type Scraped = ReadonlyMap<string, number>

export async function scrapeText(opsUrl: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await ask(opsUrl, { method: 'GET', path: '/metrics', headers })
  assert.equal(reply.status, 200, reply.text)
  return reply.text
}

export async function scrape(opsUrl: string): Promise<Scraped> {
  const samples = (await scrapeText(opsUrl)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at).replace(/^webdispatcher_/, ''), Number(line.slice(at + 1))]
    })
  )
}

/** By how much each series that has changed is more than before. */
export function rises(before: Scraped, after: Scraped): Record<string, number> {
  const changed = [...after].filter(([series, value]) => value !== (before.get(series) ?? 0))
  return Object.fromEntries(changed.map(([series, value]) => [series, value - (before.get(series) ?? 0)]))
}

/** Waits until a series is what it should be: a request is counted when its last byte has left, not when that has come. */
export const becomes = ({ opsUrl }: Pick<Running, 'opsUrl'>, series: string, value: number): Promise<void> =>
  until(async () => assert.equal((await scrape(opsUrl)).get(series) ?? 0, value, series))

/** The access line of the last request to a call, once it is there. */
export const accessLine = ({ lines }: Pick<Running, 'lines'>, call: string): Promise<LoggedLine> =>
  until(
    () => lines.findLast((line) => line.msg === 'request' && line.call === call) ?? assert.fail(`no line of ${call}`)
  )
