/**
 * The console's page and what it loads: its own files, and three packages as they are installed. Nothing is read before
 * somebody asks, nothing is built, and nothing comes from another host.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

interface Asset {
  readonly type: string
  readonly etag: string
  readonly body: Buffer
}

interface Page {
  /** What stands before and behind the token of the session. */
  readonly html: readonly [string, string]
  readonly policy: string
  /** By their path below /console/. */
  readonly assets: ReadonlyMap<string, Asset>
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8'
}

const digest = (content: string | Buffer, encoding: 'base64' | 'base64url') =>
  createHash('sha256').update(content).digest(encoding)

function assetOf(name: string, body: Buffer): readonly [string, Asset] {
  return [name, { type: types[extname(name)] as string, etag: `"${digest(body, 'base64url')}"`, body }]
}

/** Beside the sources; from `dist/` one floor further up. */
function findDirectory(): string {
  const places = ['../../console', '../../../console'].map((place) => join(import.meta.dirname, place))
  const found = places.find((place) => existsSync(join(place, 'index.html')))
  if (found === undefined) throw new Error(`the console's files are missing: install the package again (${places})`)
  return found
}

const fileOf = (specifier: string) => fileURLToPath(import.meta.resolve(specifier))
/** uPlot has no `exports` and its `main` is not for browsers. */
const besideUplot = (name: string) => join(dirname(fileOf('uplot')), name)

/** What the page's modules import by name, and the files of the packages that they get. */
const modules = {
  preact: () => fileOf('preact'),
  'preact/hooks': () => fileOf('preact/hooks'),
  htm: () => fileOf('htm'),
  'htm/preact': () => fileOf('htm/preact'),
  uplot: () => besideUplot('uPlot.esm.js')
}

const nameOf = (specifier: string) => `modules/${specifier.replace('/', '-')}.js`

/** Without the line that sends a browser's tools to a map which is not served. */
const withoutMap = (script: Buffer) => Buffer.from(script.toString().replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '\n'))

async function readModules() {
  const reading = Object.entries(modules).map(async ([specifier, find]) =>
    assetOf(nameOf(specifier), withoutMap(await readFile(find())))
  )
  return [...(await Promise.all(reading)), assetOf('modules/uplot.css', await readFile(besideUplot('uPlot.min.css')))]
}

/** The packages' own licences: whoever gets the files gets these too. */
async function readLicences() {
  const texts = ['preact', 'htm', 'uplot'].map(async (name) => {
    let directory = dirname(fileOf(name))
    while (!existsSync(join(directory, 'LICENSE'))) directory = dirname(directory)
    return `${name}\n${'='.repeat(name.length)}\n\n${(await readFile(join(directory, 'LICENSE'), 'utf8')).trim()}\n`
  })
  return assetOf('licences.txt', Buffer.from((await Promise.all(texts)).join('\n\n')))
}

async function readOwn(directory: string) {
  const names = (await readdir(directory, { recursive: true })).map((name) => name.replaceAll('\\', '/'))
  const served = names.filter((name) => extname(name) in types)
  return Promise.all(served.map(async (name) => assetOf(name, await readFile(join(directory, name)))))
}

const importMap = /<script type="importmap">([\s\S]*?)<\/script>/

/**
 * Nothing from another host and nothing to one; no inline script but the import map, by its digest. No text becomes
 * HTML in the browser, and the browser itself sees to that.
 */
const policyFor = (html: string) =>
  [
    "default-src 'none'",
    `script-src 'self' 'sha256-${digest(importMap.exec(html)?.[1] ?? '', 'base64')}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'"
  ].join('; ')

async function readPage(): Promise<Page> {
  const directory = findDirectory()
  const [html, own, packages, licences] = await Promise.all([
    readFile(join(directory, 'index.html'), 'utf8'),
    readOwn(directory),
    readModules(),
    readLicences()
  ])
  const [before = '', behind = ''] = html.split('{{csrf}}')
  return { html: [before, behind], policy: policyFor(html), assets: new Map([...own, ...packages, licences]) }
}

/** Read once for the process, and again where that went wrong. */
let page: Promise<Page> | null = null
function pageOnce(): Promise<Page> {
  page ??= readPage().catch((error: unknown) => {
    page = null
    throw error
  })
  return page
}

const escapeAttribute = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

const headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin'
}

export interface PageOptions {
  /** The token against forged requests that belongs to the request's session; '' where there is none. */
  csrfOf(request: FastifyRequest): string
}

/** `GET /console` and its files. Who may have them is the scope's business. */
export function registerPage(scope: FastifyInstance, { csrfOf }: PageOptions) {
  scope.get('/console', async function sendPage(request, reply) {
    const { html, policy } = await pageOnce()
    // The page holds the session's token; with another session it is another page.
    reply.headers({ ...headers, 'content-security-policy': policy, 'cache-control': 'no-store' })
    return reply.type('text/html; charset=utf-8').send(html.join(escapeAttribute(csrfOf(request))))
  })

  async function sendAsset(request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply) {
    const { policy, assets } = await pageOnce()
    const asset = assets.get(request.params['*'])
    if (asset === undefined) return reply.callNotFound()
    // Kept, and asked for each time: another release has the same names.
    reply.headers({ ...headers, 'content-security-policy': policy, 'cache-control': 'no-cache', etag: asset.etag })
    if (request.headers['if-none-match']?.includes(asset.etag)) return reply.code(304).send()
    return reply.type(asset.type).send(asset.body)
  }
  scope.get('/console/*', sendAsset)
}
