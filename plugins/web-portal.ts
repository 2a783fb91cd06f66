/**
 * web-portal
 * Adds  the routes of everything that is not an API path: pages follow the routing cookie and the systems' own cookies,
 *       as calls do; versioned hosts pin them.
 * Needs dispatch.
 * Off   only API paths are served.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'

export const WebPortalOptions = Type.Object({}, { additionalProperties: false })

async function webPortal(app: FastifyInstance) {
  app.proxy(['/', '/*'])
}

export default fp(webPortal, { name: 'web-portal', fastify: '5.x', dependencies: ['dispatch'] })
