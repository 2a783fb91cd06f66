/**
 * What one process says of itself, so that another can tell it of all: with several workers any of them may be asked.
 */
import type { FastifyInstance } from 'fastify'
import type { Shown } from '../../plugins/metrics/merged.ts'
import type { ConsoleNow } from './console/merge.ts'
import { type DescribedSystems, describeSystems } from './systems.ts'

export interface Reports {
  readonly metrics: readonly Shown[]
  readonly systems: DescribedSystems
  /** What a console shows now; null where the plugin is off. */
  readonly console: ConsoleNow | null
  /** Its last hour. */
  readonly consoleSteps: ReturnType<FastifyInstance['console']['steps']>
}

export type Subject = keyof Reports

/** Asks every worker, this one among them; who does not answer in time has no report. */
export type AskAll = <Of extends Subject>(subject: Of) => Promise<readonly Reports[Of][]>

/** This process's own report. */
export async function reportOf<Of extends Subject>(app: FastifyInstance, subject: Of): Promise<Reports[Of]> {
  const reports: { readonly [Of in Subject]: () => Promise<Reports[Of]> } = {
    metrics: async () => (app.hasDecorator('metrics') ? app.metrics.report() : []),
    systems: async () => describeSystems(app),
    console: async () =>
      app.hasDecorator('console') ? { ...app.console.report(), systems: describeSystems(app) } : null,
    consoleSteps: async () => (app.hasDecorator('console') ? app.console.steps() : [])
  }
  return reports[subject]()
}
