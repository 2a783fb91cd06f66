/**
 * A running gateway: the app, its listeners and its ops, started and stopped as one.
 */
import type { FastifyInstance } from 'fastify'
import { type AppLog, buildApp } from './app.ts'
import { warnOfClientCertificates } from './certificates.ts'
import type { Config } from './config-schema.ts'
import { type Listeners, openListeners } from './listeners.ts'
import type { AskAll } from './ops/reports.ts'
import { buildOps } from './ops.ts'

/** How long a connection may wait for its last request once its worker is retired, ms. */
export const idleMs = 5000

export interface Gateway {
  readonly app: FastifyInstance
  readonly addresses: Listeners['addresses']
  readonly opsUrl: string
  /** Reads the listeners' certificates again. */
  reloadCertificates(): void
  /** Not ready from now on, so that balancers send nobody any more; whoever comes is served, once a connection. */
  giveNotice(): void
  /** Leaves everything to the other workers: first ops, then the listeners; then as `stop`. */
  retire(): Promise<void>
  /** Lets what is in flight finish, within `drain`, and closes everything. */
  stop(): Promise<void>
}

/** `askAll` asks all workers, where there are several. */
export async function startGateway(config: Config, log: AppLog, askAll: AskAll | null = null): Promise<Gateway> {
  const app = await buildApp(config, log)
  const state = { isListening: false, isStopping: false }
  const ops = await buildOps(app, { config, state, askAll }, log.logger)

  try {
    const opsUrl = await ops.listen({ host: config.ops.host, port: config.ops.port })
    warnOfClientCertificates(config, log.logger)
    const listeners = await openListeners(app, config)
    state.isListening = true
    return {
      app,
      addresses: listeners.addresses,
      opsUrl,
      reloadCertificates: listeners.reloadCertificates,
      giveNotice() {
        state.isStopping = true
        listeners.sayLast()
      },
      async retire() {
        const opsClosed = ops.close()
        await listeners.leave(idleMs)
        await finish(app, listeners, config.drain)
        // Whoever holds a connection there asks for nothing on it.
        ops.server.closeAllConnections()
        await opsClosed
      },
      async stop() {
        state.isListening = false
        state.isStopping = true
        await finish(app, listeners, config.drain)
        await ops.close()
      }
    }
  } catch (error) {
    await Promise.allSettled([app.close(), ops.close()])
    throw error
  }
}

async function finish(app: FastifyInstance, listeners: Listeners, drainMs: number) {
  const by = performance.now() + drainMs
  await listeners.close(drainMs)
  await app.serviceAccount.leave()
  await app.finishUpstreams(Math.max(by - performance.now(), 0))
  await app.close()
}
