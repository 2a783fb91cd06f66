/**
 * Where a command goes on a WebSocket that both systems have: decided as a call is (contract section 5).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Command, faultAnswer, readCommand, referencesOf } from '../../core/command.ts'
import { callerOf } from '../../core/credentials.ts'
import { decide, noFacts } from '../../core/decide.ts'
import { Fault } from '../../core/faults.ts'
import { contextIn } from '../../core/headers.ts'
import { askerOf } from '../../core/own-call.ts'
import type { Credential, Home, System } from '../../core/words.ts'

/** Whose connection it is. */
export interface Known {
  readonly home: Home
  readonly credentials: readonly Credential[]
}

export function createRouting(app: FastifyInstance, request: FastifyRequest, { home, credentials }: Known) {
  const location = app.hasDecorator('entityLocation') ? app.entityLocation : null
  const session = home.session?.id ?? ''
  const locator = { ...callerOf(credentials, home), ...askerOf(request), session }
  const isAuto = contextIn(request.headers) === 'auto'

  async function systemFor(command: Command | null): Promise<System | 'both'> {
    // Set, perhaps, since the connection began.
    const context = isAuto ? null : (await app.pairedSessions.find(session)).context
    const references = context !== null || command === null ? [] : referencesOf(command)
    const at = location === null || references.length === 0 ? null : await location.locate(references, locator)
    return decide({ ...noFacts, ...request.place, home, context, location: at }).to
  }

  /** Null for one that cannot go anywhere: its client is told why. */
  return async function route(
    text: string | null,
    systems: ReadonlySet<System>,
    tell: (answer: string) => void
  ): Promise<System | null> {
    const command = text === null ? null : readCommand(text)
    try {
      const to = (await systemFor(command)) as System
      if (systems.has(to)) return to
      throw new Fault('system_unavailable', to)
    } catch (error) {
      if (!(error instanceof Fault)) {
        request.log.error({ err: error }, 'a command on a WebSocket could not be read')
        throw error
      }
      tell(faultAnswer(error, command))
      return null
    }
  }
}
