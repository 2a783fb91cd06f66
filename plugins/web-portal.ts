/**
 * web-portal
 * Adds  the routes of everything that is not an API path: pages follow the routing cookie and the systems' own cookies,
 *       as calls do; versioned hosts pin them. `app.redirectOf`, the other host that a given-up host's pages are on now.
 * Needs dispatch.
 * Off   only API paths are served.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createRedirects, redirectStatuses } from '../core/redirects.ts'
import { type Static, Type } from '../core/schema.ts'

const RedirectOptions = Type.Object(
  {
    host: Type.String({ format: 'whole-host', description: 'The host that is given up: one that a realm answers.' }),
    to: Type.String({ format: 'http-origin', description: 'The http(s) origin at which its pages are now.' }),
    status: Type.Optional(
      Type.Union(
        redirectStatuses.map((status) => Type.Literal(status)),
        { description: 'How for good it is: 302 when absent.' }
      )
    )
  },
  { additionalProperties: false }
)

export const WebPortalOptions = Type.Object(
  {
    redirects: Type.Optional(
      Type.Array(RedirectOptions, { description: 'Hosts whose pages are elsewhere; their API paths are still served.' })
    )
  },
  { additionalProperties: false }
)

declare module 'fastify' {
  interface FastifyInstance {
    /** Where a page of this host is now; null for one that is still here. */
    redirectOf: ReturnType<typeof createRedirects>
  }
}

async function webPortal(app: FastifyInstance, { redirects = [] }: Static<typeof WebPortalOptions>) {
  const redirectOf = createRedirects(redirects)
  app.decorate('redirectOf', redirectOf)

  // In a scope of their own: the paths of other plugins on that host, such as GraphQL's, are no pages.
  app.register(async function pages(scope) {
    scope.addHook('onRequest', function redirectPage(request: FastifyRequest, reply: FastifyReply, done) {
      const redirected = redirectOf(request.host, request.target)
      if (redirected === null) {
        done()
        return
      }
      request.trail.reason = 'redirect'
      reply.code(redirected.status).header('location', redirected.location).send()
    })
    scope.proxy(['/', '/*'])
  })
}

export default fp(webPortal, { name: 'web-portal', fastify: '5.x', dependencies: ['dispatch'] })
