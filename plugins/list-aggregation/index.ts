/**
 * list-aggregation
 * Adds  `app.lists`: lists of everybody, one page out of both systems' (contract section 6).
 * Needs way, forward, own-calls; missing-methods where it is on; the catalogue has it need remote-session and
 *       login-forwarding.
 * Off   lists come from the context's system, else the target.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Answer } from '../../core/answer.ts'
import { callerOf } from '../../core/credentials.ts'
import { Fault, NoSessionThere, Refusal, whyOf } from '../../core/faults.ts'
import { prefersPartial } from '../../core/headers.ts'
import { createListTable, type ListMethod, nameOf } from '../../core/methods.ts'
import { askerOf } from '../../core/own-call.ts'
import { ListDisorder } from '../../core/pages.ts'
import type { Static } from '../../core/schema.ts'
import { type PickedRow, splicePage } from '../../core/splice.ts'
import { type Call, type Credential, type Home, otherSystem, type Route, type System } from '../../core/words.ts'
import { createFollower, type FollowedPage, type Following } from './following.ts'
import { ListAggregationOptions } from './options.ts'
import { type Reading, type SystemList, SystemMissing } from './parts.ts'
import { createReader } from './reader.ts'

export { ListAggregationOptions }

/** A list that a client asks for. */
export interface AskedList {
  readonly list: ListMethod
  readonly call: Call
  readonly home: Home
  readonly shown: readonly Credential[]
  /** The system on which the session does not live. */
  readonly missing: System | null
}

declare module 'fastify' {
  interface FastifyInstance {
    lists: {
      /** What is known of a list; null for what is none. */
      of(route: Route): ListMethod | null
      /** Answers with the merged page. */
      answer(request: FastifyRequest, reply: FastifyReply, asked: AskedList): Promise<void>
      /**
       * A page of the list by key, for whoever walks through it while customers move. A system that cannot give its part
       * is told in the page; rejects with a Fault, or with a Refusal when the session has ended.
       */
      follow(reading: Reading, wanted: Following): Promise<FollowedPage>
    }
  }
}

interface Setting extends Static<typeof ListAggregationOptions> {
  readonly onMissingSystem: 'fail' | 'partial'
}

/** A list that is being answered. */
interface Listing {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly reading: Reading
}

/** Headers that speak of the bytes of one system's answer. */
const ofOwnBytes: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest'
])

/** The path of the call without what a URL-path call has behind its method. */
function pathOf({ url, prefix, route }: FastifyRequest['target']) {
  const name = `/${nameOf(route)}`
  return url.slice(0, url.indexOf(name, prefix.length) + name.length)
}

/** The only system left is away as well: its own fault, where it is one. */
const faultOf = ({ missing, cause }: SystemMissing): Fault =>
  cause instanceof Fault ? cause : new Fault('partial_list', missing, { cause })

async function listAggregation(app: FastifyInstance, { onMissingSystem, methods }: Setting) {
  const { readMerged, readAlone, hearAlone } = createReader(app)

  const noteAnswer = ({ trail }: FastifyRequest, to: System | 'both') => {
    trail.to = to
    trail.answeredAfter = performance.now() - trail.startedAt
  }

  /** One system's answer as it is. Cookies of the half that the gateway keeps to itself are not for the client. */
  function relay({ request, reading, reply }: Listing, to: System, answer: Answer, more: object = {}) {
    const isKept = to === 'source' && reading.who.home.system === 'both'
    const { 'set-cookie': cookies, ...headers } = answer.headers
    const own = isKept || cookies === undefined ? {} : { 'set-cookie': cookies }
    noteAnswer(request, to)
    app.relay(request, reply, to, { ...answer, headers: { ...headers, ...own, ...more } }, [])
  }

  /** The answer of one system where the other cannot be asked, or the fault that says so. */
  async function answerWithout(listing: Listing, lost: SystemMissing) {
    const { request, reading } = listing
    const { missing } = lost
    const to = otherSystem(missing)
    const isPartial = onMissingSystem === 'partial' || prefersPartial(request.headers)
    if (!isPartial) {
      // It has no such list: nothing says that better than its own fault.
      if (lost.cause instanceof Refusal) throw lost.cause
      // A list alone would never let the client know that its session has ended, and it would never log in again.
      if (reading.who.home.system !== 'both') await hearAlone(reading, to)
      const retryAfter = lost.cause instanceof Fault ? lost.cause.retryAfter : undefined
      throw new Fault('partial_list', missing, { cause: lost.cause, ...(retryAfter !== undefined && { retryAfter }) })
    }
    const answer = await request.trail.waitFor(readAlone(reading, to))
    // The client is told by a header; this is for whoever watches.
    request.log.warn({ missing, why: whyOf(lost.cause) }, 'a list lacks the part of a system')
    relay(listing, to, answer, { 'x-dispatcher-partial': missing })
  }

  async function answerBoth({ request, reading, reply }: Listing) {
    const { page, total } = await request.trail.waitFor(readMerged(reading))
    const { lists } = page
    const picks: PickedRow[] = page.picks.map(({ system, at }) => ({
      list: lists[system].scanned,
      row: lists[system].rows[at] as SystemList['rows'][number]
    }))
    const body = splicePage(lists.target.scanned, picks, total)
    const { answer } = lists.target
    const kept = Object.entries(answer.headers).filter(([name]) => !ofOwnBytes.has(name))
    const headers = { ...Object.fromEntries(kept), 'content-length': String(body.length) }
    noteAnswer(request, 'both')
    app.relay(request, reply, 'target', { ...answer, headers, body }, [])
  }

  async function answerOr(listing: Listing, missing: System | null) {
    try {
      if (missing !== null) throw new SystemMissing(missing, new NoSessionThere('The session does not live there'))
      await answerBoth(listing)
    } catch (error) {
      if (error instanceof ListDisorder) {
        const where = error.system === null ? 'it kept changing' : `system ${error.system}`
        throw new Fault('list_out_of_order', `${nameOf(listing.reading.route)}, ${where}`, { cause: error })
      }
      if (!(error instanceof SystemMissing)) throw error
      await answerWithout(listing, error)
    }
  }

  async function answer(request: FastifyRequest, reply: FastifyReply, asked: AskedList) {
    const { list, call, home, shown, missing } = asked
    const left = new AbortController()
    reply.raw.once('close', () => left.abort())
    if (reply.raw.destroyed) left.abort()
    const { route } = request.target
    const who = { asker: askerOf(request), home, shown, caller: callerOf(shown, home), signal: left.signal }
    const reading: Reading = { who, list, route, path: pathOf(request.target), call }
    const listing: Listing = { request, reply, reading }
    request.trail.to = 'both'
    try {
      await answerOr(listing, missing)
    } catch (error) {
      if (left.signal.aborted) return
      const cause = error instanceof SystemMissing ? error.cause : error
      if (cause instanceof Refusal) relay(listing, cause.system, cause.answer)
      else throw error instanceof SystemMissing ? faultOf(error) : error
    }
  }

  const of = createListTable(methods as Parameters<typeof createListTable>[0])
  app.decorate('lists', { of, answer, follow: createFollower(app) })
}

export default fp(listAggregation, {
  name: 'list-aggregation',
  fastify: '5.x',
  dependencies: ['way', 'forward', 'own-calls']
})
