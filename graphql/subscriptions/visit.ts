/**
 * Whose connection it is, for as long as it lasts: the session that was shown at its beginning, which is looked at again
 * and again, and what that session may read.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerOf, callerOf, type Shown, shownCredentials } from '../../core/credentials.ts'
import { askerOf } from '../../core/own-call.ts'
import { otherSystem, type System } from '../../core/words.ts'
import { readOn } from '../entities.ts'
import { tellError, Unauthenticated } from '../errors.ts'
import type { GraphqlSetting } from '../options.ts'
import { View } from '../view.ts'
import { issuerOf, routeOf, type Visitor, visitorOf } from '../visitor.ts'
import type { Move } from './moves.ts'

/** As in a header: nothing longer, and no other characters, could come by REST. */
const authorizationForm = /^[\x20-\x7e]{1,16384}$/

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The Authorization of a payload, as a member of its own or among its `headers`; undefined where it has no token. */
function authorizationIn(payload: unknown): string | undefined {
  const places = isObject(payload) ? [payload, payload.headers].filter(isObject) : []
  return places
    .flatMap((place) => Object.entries(place))
    .flatMap(([name, value]) => (name.toLowerCase() === 'authorization' && typeof value === 'string' ? [value] : []))
    .find((value) => authorizationForm.test(value) && bearerOf(value) !== null)
}

/**
 * Whether no browser's page of another host sends this. A WebSocket may be opened from any page, and brings the cookies
 * along: they may count for our own pages alone.
 */
function isOwnPage({ headers, host, protocol }: FastifyRequest): boolean {
  const origin = headers.origin ?? headers['sec-websocket-origin']
  if (origin === undefined) return true
  try {
    const page = new URL(String(origin))
    // A page that came in plain text may be anybody's.
    if (protocol === 'https' && page.protocol !== 'https:') return false
    return page.host === new URL(`${page.protocol}//${host}`).host
  } catch {
    return false
  }
}

/** What a connection shows: its first message, else the request that opened it. */
function shownOn(app: FastifyInstance, request: FastifyRequest, payload: unknown): Shown {
  const { headers } = request
  const inCookies = isOwnPage(request) ? app.remoteSession.read(headers).credentials : []
  return shownCredentials(authorizationIn(payload) ?? headers.authorization, routeOf('', ''), null, inCookies)
}

/** The systems that the session may ask for a customer who moves, the likely one first. */
function systemsOf({ state, to }: Move, view: View): System[] {
  const after = to ?? 'target'
  const first = state === 'finished' || to === null ? after : otherSystem(after)
  return view.systemsFor(null).toSorted((one) => (one === first ? -1 : 1))
}

export class Visit {
  readonly #app: FastifyInstance
  readonly #request: FastifyRequest
  readonly #setting: GraphqlSetting
  readonly #onEnded: () => void
  readonly #leaving = new AbortController()
  #shown: Shown | null = null
  #visitor: Visitor | null = null
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  /** `onEnded` is called when the session has ended. */
  constructor(app: FastifyInstance, request: FastifyRequest, setting: GraphqlSetting, onEnded: () => void) {
    this.#app = app
    this.#request = request
    this.#setting = setting
    this.#onEnded = onEnded
  }

  /** Throws Unauthenticated for no session that lives. */
  async begin(payload: unknown): Promise<void> {
    this.#shown = shownOn(this.#app, this.#request, payload)
    await this.#look(this.#shown)
    if (this.#leaving.signal.aborted) return
    this.#timer = setInterval(() => this.#lookAgain(), this.#setting.sessionCheck)
  }

  /** Also brings what has been renewed of the session meanwhile. */
  async #look(shown: Shown): Promise<void> {
    const visitor = await visitorOf(this.#app, shown, askerOf(this.#request))
    const caller = callerOf(visitor.shown, visitor.home)
    const issuer = issuerOf(visitor)
    const credentialOn = (system: System) => (system === issuer ? caller.credentialOn(system) : null)
    const lives = await this.#app.homes.livesOn({ credentialOn }, visitor.asker)
    if (lives[issuer] === false) throw new Unauthenticated()
    this.#visitor = visitor
  }

  async #lookAgain(): Promise<void> {
    if (this.#isLooking || this.#shown === null) return
    this.#isLooking = true
    try {
      await this.#look(this.#shown)
    } catch (error) {
      if (error instanceof Unauthenticated) this.#onEnded()
      else this.#note(error)
    }
    this.#isLooking = false
  }

  /** Only what is no answer of a system, nor a fault of one, is worth a line. */
  #note(error: unknown): void {
    tellError(error, (err) => this.#request.log.error({ err }, 'a session with subscriptions could not be looked at'))
  }

  /** Whether the session may read the customer: on either system, as REST lets it. */
  async mayRead(move: Move): Promise<boolean> {
    try {
      // Each look has its own: a view does not ask a system again that was away once.
      const view = this.#newView()
      for (const system of systemsOf(move, view)) if (await this.#isOn(system, move, view)) return true
    } catch (error) {
      this.#note(error)
    }
    return false
  }

  #newView(): View {
    const { restPrefix, inFlight } = this.#setting
    const { signal } = this.#leaving
    if (this.#visitor === null) throw new Unauthenticated()
    return new View(this.#app, this.#request, this.#visitor, { restPrefix, inFlight, selected: new Set(), signal })
  }

  async #isOn(system: System, { iCustomer }: Move, view: View): Promise<boolean> {
    try {
      return (await readOn(view, system, { kind: 'customer', keys: { i_customer: iCustomer } })) !== null
    } catch (error) {
      if (view.calls.isRefused) void this.#lookAgain()
      this.#note(error)
      return false
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#leaving.abort()
  }
}
