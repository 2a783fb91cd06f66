/**
 * A worker: one of several processes that share the listeners. It does as its supervisor orders, and ends with it
 * (node:cluster sees to that). It obeys no signal: a terminal and some process managers send theirs to all at once.
 */
import '../runtime.ts'
import type { Config } from '../config-schema.ts'
import { explainFailure } from '../failures.ts'
import { createLog, type Log } from '../log.ts'
import { type AskAll, type Reports, reportOf, type Subject } from '../ops/reports.ts'
import { type Gateway, startGateway } from '../running.ts'
import type { ToSupervisor, ToWorker } from './messages.ts'

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})

/** Tells the supervisor; resolves once it is on its way. */
const tell = (word: ToSupervisor): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(word, undefined, undefined, () => resolve())
  })

const asked = new Map<number, (reports: readonly unknown[]) => void>()
let lastAsked = 0

const askAll: AskAll = (subject) => {
  const { promise, resolve } = Promise.withResolvers<readonly Reports[typeof subject][]>()
  asked.set(++lastAsked, resolve as (reports: readonly unknown[]) => void)
  void tell({ word: 'asking', subject, id: lastAsked })
  return promise
}

async function start(config: Config, { logger, writeLine, flush }: Log): Promise<Gateway> {
  // A crash must not take the last lines with it.
  process.once('uncaughtExceptionMonitor', (err) => {
    logger.fatal({ err }, 'a worker ends: an error that nobody caught')
    flush()
    void tell({ word: 'failed', why: `an error that nobody caught: ${err.message}` })
  })
  const gateway = await startGateway(config, { logger, writeLine }, askAll)
  await tell({ word: 'listening', addresses: gateway.addresses.map(({ url }) => url), ops: gateway.opsUrl })
  return gateway
}

let log: Log | undefined
let gateway: Gateway | undefined

async function end(end: (gateway: Gateway) => Promise<void>) {
  if (gateway === undefined) return
  await end(gateway)
  await tell({ word: 'over', counted: await reportOf(gateway.app, 'metrics') })
  log?.flush()
  process.exit(0)
}

async function report(id: number, subject: Subject) {
  if (gateway !== undefined) await tell({ word: 'report', id, report: await reportOf(gateway.app, subject) })
}

async function obey(order: ToWorker) {
  switch (order.order) {
    case 'start':
      log = createLog(order.config)
      gateway = await start(order.config, log)
      return
    case 'notice':
      gateway?.giveNotice()
      return
    case 'retire':
      return end((one) => one.retire())
    case 'stop':
      return end((one) => one.stop())
    case 'report':
      return report(order.id, order.subject)
    case 'hear':
      asked.get(order.id)?.(order.reports)
      asked.delete(order.id)
  }
}

// Before node:cluster ends this process.
process.prependListener('disconnect', () => log?.abandon())
process.on('message', (order: ToWorker) => {
  obey(order).catch(async (error: unknown) => {
    await tell({ word: 'failed', why: explainFailure(error) })
    log?.flush()
    process.exit(1)
  })
})
void tell({ word: 'here' })
