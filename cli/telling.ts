/**
 * The word of many customers, told in batches: each until the gateway has taken it, or says that it never will.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { CommandError, type ExitCode } from './errors.ts'
import { type OpsAnswer, type OpsClient, refusalOf, Unreachable } from './ops-client.ts'

export interface Plan {
  readonly ids: readonly number[]
  readonly state: 'started' | 'finished' | 'failed'
  readonly to: 'source' | 'target' | undefined
  readonly batch: number
  /** How long one batch is told again, ms. */
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export interface Told {
  readonly done: number
  /** Null when all were told. */
  readonly stopped: {
    readonly why: string
    readonly exitCode: ExitCode
    /** Those of the last batch: what the gateway made of it. */
    readonly left: number
    readonly mayBe: 'untold' | 'fenced' | 'unknown'
  } | null
}

/** Between two tries, where nobody says how long, ms. */
const pauseMs = 1_000

/** Writes are still under way: the fence is up, and telling it again waits again. */
const isUnsettled = ({ status, json }: OpsAnswer) =>
  status === 504 && (json as { faultcode?: unknown } | null)?.faultcode === 'Server.Dispatcher.fence_unsettled'

interface Refused {
  readonly error: CommandError
  readonly mayBe: 'untold' | 'fenced' | 'unknown'
  /** What the gateway answered; null where nothing came. */
  readonly text: string | null
}

type Outcome = { readonly taken: string } | Refused

/** A worse state is not forgotten for a better one: a fence that is up stays up. */
function worseOf(a: Refused['mayBe'], b: Refused['mayBe']): Refused['mayBe'] {
  if (a === 'fenced' || b === 'fenced') return 'fenced'
  return a === 'unknown' ? a : b
}

const stoppedBy = (mayBe: Refused['mayBe']): Refused => ({
  error: new CommandError('refused', 'stopped'),
  mayBe,
  text: null
})

function createTeller(client: OpsClient, { state, to, patienceMs, signal }: Omit<Plan, 'ids' | 'batch'>) {
  /** What came of one try, and how long to wait before another one; null for none. */
  async function tryOnce(ids: readonly number[]): Promise<readonly [outcome: Outcome, waitMs: number | null]> {
    const words = ids.map((id) => ({ i_customer: id, state, ...(to !== undefined && { to }) }))
    try {
      const answer = await client.ask('POST', '/migrations', words.length === 1 ? words[0] : words)
      const { status, text, retryAfterMs } = answer
      if (status === 200) return [{ taken: text }, null]
      const error = refusalOf(answer)
      if (isUnsettled(answer)) return [{ error, mayBe: 'fenced', text }, retryAfterMs ?? 0]
      const isBusy = status === 503 && retryAfterMs !== null
      return [{ error, mayBe: status < 500 || isBusy ? 'untold' : 'unknown', text }, isBusy ? retryAfterMs : null]
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      return [{ error, mayBe: error.wasSent ? 'unknown' : 'untold', text: null }, null]
    }
  }

  return async function tell(ids: readonly number[]): Promise<Outcome> {
    const until = performance.now() + patienceMs
    let mayBe: Refused['mayBe'] = 'untold'
    for (;;) {
      const [outcome, askedMs] = await tryOnce(ids)
      if ('taken' in outcome) return outcome
      mayBe = worseOf(mayBe, outcome.mayBe)
      const waitMs = Math.max(askedMs ?? 0, pauseMs)
      if (askedMs === null || performance.now() + waitMs > until) return { ...outcome, mayBe }
      await delay(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return stoppedBy(mayBe)
    }
  }
}

/** Tells batch after batch; stops at the first that is not taken. `onAnswer` gets what the gateway said of each. */
export async function tellAll(
  client: OpsClient,
  plan: Plan,
  onAnswer: (text: string, done: number) => void
): Promise<Told> {
  const { ids, batch, signal } = plan
  const tell = createTeller(client, plan)
  for (let done = 0; done < ids.length; done += batch) {
    const some = ids.slice(done, done + batch)
    const outcome = signal.aborted ? stoppedBy('untold') : await tell(some)
    if ('taken' in outcome) {
      onAnswer(outcome.taken, done + some.length)
      continue
    }
    const { error, mayBe, text } = outcome
    if (text !== null) onAnswer(text, done)
    return { done, stopped: { why: error.message, exitCode: error.exitCode, left: some.length, mayBe } }
  }
  return { done: ids.length, stopped: null }
}
