/**
 * Imported before a gateway's own files: when a process of it ends, the file NOTED_IN gets a line of what it has loaded and
 * where it keeps what V8 makes of code.
 */
import { appendFileSync } from 'node:fs'
import { getCompileCacheDir, registerHooks } from 'node:module'

export interface Noted {
  readonly isWorker: boolean
  /** Files by URL, and Node's own modules by name. */
  readonly loaded: readonly string[]
  readonly cache: string | null
}

const loaded = new Set<string>()

registerHooks({
  load(url, context, next) {
    loaded.add(url)
    return next(url, context)
  }
})

process.once('exit', () => {
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
  const noted: Noted = {
    isWorker: process.send !== undefined,
    loaded: [...loaded, ...moduleLoadList],
    cache: getCompileCacheDir() ?? null
  }
  appendFileSync(process.env.NOTED_IN ?? '', `${JSON.stringify(noted)}\n`)
})
