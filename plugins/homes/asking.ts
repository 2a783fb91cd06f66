/**
 * Asks both systems whether they know a session (contract section 4: `Session/ping`, a user above 0 means here).
 */
import type { FastifyInstance } from 'fastify'
import { isUnavailable, userOf } from '../../core/answer.ts'
import type { Caller } from '../../core/credentials.ts'
import { type Asker, ownCall } from '../../core/own-call.ts'
import { type Credential, type System, systemNames } from '../../core/words.ts'

const askTimeoutMs = 5_000
const pingAnswerBytes = 65_536

export function createAsking(app: FastifyInstance, pingPath: string) {
  /** True: here. False: not here. Null: nobody could tell. */
  async function isAt(system: System, { kind, value }: Credential, { realm, client }: Asker): Promise<boolean | null> {
    const call = ownCall(pingPath, JSON.stringify({ [kind]: value }), null, client)
    try {
      const question = { ...call, isRead: true, patienceMs: askTimeoutMs }
      const answer = await app.upstream(system, realm).exchange(question, pingAnswerBytes)
      const user = userOf(answer)
      if (user !== null) return user > 0
      return isUnavailable(answer.status) ? null : false
    } catch {
      return null
    }
  }

  /** The first system that says yes is believed without waiting for the other. */
  async function askBoth(credential: Credential, asker: Asker): Promise<System | 'neither' | 'unknown'> {
    const questions = systemNames.map(async (system) => ({ system, here: await isAt(system, credential, asker) }))
    const yes = questions.map((question) =>
      question.then(({ system, here }) => (here === true ? system : Promise.reject(new Error('not here'))))
    )
    return Promise.any(yes).catch(async () => {
      const answers = await Promise.all(questions)
      return answers.every(({ here }) => here === false) ? 'neither' : 'unknown'
    })
  }

  async function livesOn(caller: Caller, asker: Asker): Promise<Readonly<Record<System, boolean | null>>> {
    async function isAlive(system: System) {
      const credential = caller.credentialOn(system)
      // A refresh token cannot be pinged.
      if (credential === null || credential.kind === 'refresh_token') return false
      return isAt(system, credential, asker)
    }
    const [source, target] = await Promise.all([isAlive('source'), isAlive('target')])
    return { source, target }
  }

  return { askBoth, livesOn }
}
