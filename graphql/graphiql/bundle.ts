/**
 * GraphiQL's script, style and workers, built in memory out of the packages that are installed.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Esbuild from 'esbuild'

export interface Asset {
  readonly type: string
  readonly etag: string
  readonly body: Buffer
}

/** By the last part of their path. */
export type Assets = ReadonlyMap<string, Asset>

const bundler = 'esbuild'
/** For development only, so nothing may import them by name before `missingPackages` has looked. */
const packages = [bundler, 'graphiql', '@graphiql/toolkit', 'react', 'react-dom']

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}

export const missingPackages = (): readonly string[] => packages.filter((name) => !isInstalled(name))

/** The editor is a package of GraphiQL's packages: only from there it is sure to be the version that they want. */
function entryPoints(): Record<string, string> {
  const graphiql = createRequire(import.meta.resolve('graphiql'))
  const editor = createRequire(graphiql.resolve('@graphiql/react'))
  return {
    client: join(import.meta.dirname, 'client.js'),
    'editor.worker': editor.resolve('monaco-editor/esm/vs/editor/editor.worker.js'),
    'graphql.worker': editor.resolve('monaco-graphql/esm/graphql.worker.js'),
    'json.worker': editor.resolve('monaco-editor/esm/vs/language/json/json.worker.js')
  }
}

function assetOf(name: string, content: Uint8Array): Asset {
  const body = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  const type = name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
  return { type, etag: `"${createHash('sha256').update(body).digest('base64url')}"`, body }
}

async function build(esbuild: typeof Esbuild): Promise<Assets> {
  const { outputFiles } = await esbuild.build({
    entryPoints: entryPoints(),
    outdir: import.meta.dirname,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    // The style of all packages comes as one file of GraphiQL's.
    loader: { '.css': 'empty' },
    logLevel: 'silent'
  })
  const style = await readFile(fileURLToPath(import.meta.resolve('graphiql/style.css')))
  const files = outputFiles.map(({ path, contents }) => [basename(path), contents] as const)
  return new Map([...files, ['graphiql.css', style] as const].map(([name, content]) => [name, assetOf(name, content)]))
}

/** One for the process, as the bundler is. */
let bundle: Promise<Assets> | null = null
let giveUp: (() => void) | null = null

async function buildOnce(): Promise<Assets> {
  const esbuild: typeof Esbuild = await import(bundler)
  // esbuild never settles a build that it was told to stop.
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  giveUp = () => reject(new Error('GraphiQL was still being built as its app closed'))
  try {
    return await Promise.race([build(esbuild), givenUp])
  } finally {
    giveUp = null
    await esbuild.stop()
  }
}

/** Built at the first call; a build that failed is tried again at the next. */
export function bundleAssets(): Promise<Assets> {
  bundle ??= buildOnce().catch((error: unknown) => {
    bundle = null
    throw error
  })
  return bundle
}

/** A build that is under way fails, and the bundler's process ends. */
export async function stopBundling(): Promise<void> {
  giveUp?.()
}
