/**
 * Asks both systems whether they know a session (contract section 4: `Session/ping`, a user above 0 means here): once for
 * all who want to know at the same time, and what they say is remembered.
 */
import type { FastifyInstance } from 'fastify'
import { isUnavailable, type OpenedSession, userOf } from '../../core/answer.ts'
import type { Caller } from '../../core/credentials.ts'
import type { Lives } from '../../core/homes.ts'
import { type Asker, ownCall } from '../../core/own-call.ts'
import { type Credential, type System, systemNames } from '../../core/words.ts'
import type { Counts, ReadyCredentials } from './ready.ts'

interface Parts {
  /** The path that `Session/ping` has on the systems. */
  readonly pingPath: string
  readonly front: ReadyCredentials
  readonly counts: Counts
  /** Keeps a session's home. */
  readonly remember: (session: OpenedSession, home: Lives) => Promise<void>
}

const askTimeoutMs = 5_000
const pingAnswerBytes = 65_536

export function createAsking(app: FastifyInstance, { pingPath, front, counts, remember }: Parts) {
  const questions = new Map<string, Promise<System | null>>()

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

  async function askOnce(credential: Credential, asker: Asker): Promise<System | null> {
    const answer = await askBoth(credential, asker)
    counts[answer === 'neither' ? 'nowhere' : answer]++
    if (answer === 'neither') front.keepRefused(credential.value)
    if (answer === 'neither' || answer === 'unknown') return null
    await remember({ credentials: [credential], lifetimeMs: null }, { system: answer })
    return answer
  }

  /** Null when neither knows the session, or one of them could not tell. */
  async function ask(credential: Credential, asker: Asker): Promise<System | null> {
    // A refresh token cannot be pinged.
    if (credential.kind === 'refresh_token' || front.isRefused(credential.value)) return null
    const pending = questions.get(credential.value)
    if (pending !== undefined) {
      counts.shared++
      return pending
    }
    const question = askOnce(credential, asker).finally(() => questions.delete(credential.value))
    questions.set(credential.value, question)
    return question
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

  return { ask, livesOn }
}
