/**
 * console
 * Adds  `app.console`: what the live page of the ops listener shows of this process.
 * Needs way, store, upstreams, homes; entity-location where it is on.
 * Off   nothing is gathered, and the page is gone.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ConsoleOptions } from './options.ts'

declare module 'fastify' {
  interface FastifyInstance {
    console: {
      /** Whether a service login is configured. */
      readonly hasAccount: boolean
    }
  }
}

async function consolePlugin(app: FastifyInstance, { account }: ConsoleOptions) {
  app.decorate('console', { hasAccount: account !== undefined })
}

export default fp(consolePlugin, {
  name: 'console',
  fastify: '5.x',
  dependencies: ['way', 'store', 'upstreams', 'homes']
})
