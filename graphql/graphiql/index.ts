/**
 * GraphiQL: a page in the browser to write and run queries, out of packages that are installed for development only.
 * None of them is loaded before the page is opened for the first time; where they are missing, the page says so.
 */
import type { FastifyInstance } from 'fastify'
import { bundleAssets, missingPackages, stopBundling } from './bundle.ts'
import { contentSecurityPolicy, type Places, pageOf } from './page.ts'

const headers = {
  // On assets as well: a worker has the policy that its own script came with.
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  // The page's URL may hold a query.
  'referrer-policy': 'no-referrer',
  // The browser keeps them, and asks each time whether they are the same: another release has the same names.
  'cache-control': 'no-cache'
}

export async function graphiql(app: FastifyInstance, { endpoint, path }: Places) {
  const page = pageOf({ endpoint, path })
  app.addHook('onClose', stopBundling)

  app.addHook('onRequest', async function answerWithoutPackages(_request, reply) {
    reply.headers(headers)
    const missing = missingPackages()
    if (missing.length === 0) return
    const sentence = `GraphiQL is for development: install ${missing.join(', ')} (npm ci without --omit=dev) and reload.\n`
    return reply.code(501).type('text/plain; charset=utf-8').send(sentence)
  })

  app.get(path, async function sendPage(_request, reply) {
    // Waited for, so that a build that fails is seen in the browser.
    await bundleAssets()
    return reply.type('text/html; charset=utf-8').send(page)
  })

  app.get<{ Params: { name: string } }>(`${path}/:name`, async function sendAsset(request, reply) {
    const asset = (await bundleAssets()).get(request.params.name)
    if (asset === undefined) return reply.callNotFound()
    reply.header('etag', asset.etag)
    if (request.headers['if-none-match']?.includes(asset.etag)) return reply.code(304).send()
    return reply.type(asset.type).send(asset.body)
  })
}
