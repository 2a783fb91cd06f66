/**
 * A running gateway: the app, its listeners and its ops, started and stopped as one.
 */
import type { FastifyInstance } from 'fastify'
import { type AppLog, buildApp } from './app.ts'
import { warnOfClientCertificates } from './certificates.ts'
import type { Config } from './config-schema.ts'
import { type Listeners, openListeners } from './listeners.ts'
import { buildOps } from './ops.ts'

export interface Gateway {
  readonly app: FastifyInstance
  readonly addresses: Listeners['addresses']
  readonly opsUrl: string
  /** Reads the listeners' certificates again. */
  reloadCertificates(): void
  /** Lets what is in flight finish, within `drain`, and closes everything. */
  stop(): Promise<void>
}

export async function startGateway(config: Config, log: AppLog): Promise<Gateway> {
  const app = await buildApp(config, log)
  let isListening = false
  const ops = await buildOps(app, { config, isListening: () => isListening }, log.logger)
  try {
    const opsUrl = await ops.listen({ host: config.ops.host, port: config.ops.port })
    warnOfClientCertificates(config, log.logger)
    const listeners = await openListeners(app, config)
    isListening = true
    return {
      app,
      addresses: listeners.addresses,
      opsUrl,
      reloadCertificates: listeners.reloadCertificates,
      async stop() {
        // Not ready from now on: a balancer sends nobody any more.
        isListening = false
        const by = performance.now() + config.drain
        await listeners.close(config.drain)
        await app.finishUpstreams(Math.max(by - performance.now(), 0))
        await app.close()
        await ops.close()
      }
    }
  } catch (error) {
    await Promise.allSettled([app.close(), ops.close()])
    throw error
  }
}
