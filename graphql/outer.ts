/**
 * The gateway's own request, on the raw one that the gateway and the engine both see.
 */
import type { FastifyRequest } from 'fastify'

export const outer = Symbol('outer')

declare module 'node:http' {
  interface IncomingMessage {
    [outer]?: FastifyRequest
  }
}

export function outerOf({ raw }: Pick<FastifyRequest, 'raw'>): FastifyRequest {
  const request = raw[outer]
  if (request === undefined) throw new Error('Requests come through the gateway')
  return request
}
