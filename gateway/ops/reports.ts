/**
 * What one process says of itself, so that another can tell it of all: with several workers any of them may be asked.
 */
import type { FastifyInstance } from 'fastify'
import type { Shown } from '../../plugins/metrics/merged.ts'
import { type DescribedSystems, describeSystems } from './systems.ts'

export interface Reports {
  readonly metrics: readonly Shown[]
  readonly systems: DescribedSystems
}

export type Subject = keyof Reports

/** Asks every worker, this one among them; who does not answer in time has no report. */
export type AskAll = <Of extends Subject>(subject: Of) => Promise<readonly Reports[Of][]>

/** This process's own report. */
export async function reportOf<Of extends Subject>(app: FastifyInstance, subject: Of): Promise<Reports[Of]> {
  const reports: { readonly [Of in Subject]: () => Promise<Reports[Of]> } = {
    metrics: async () => (app.hasDecorator('metrics') ? app.metrics.report() : []),
    systems: async () => describeSystems(app)
  }
  return reports[subject]()
}
