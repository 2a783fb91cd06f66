/**
 * The word of a migration, by an operator or by the systems' own provisioning events (contract section 8): one, or many
 * at once; and who is being moved.
 */
import type { FastifyInstance } from 'fastify'
import { itemsOf, linesOf } from '../../core/migration-words.ts'
import type { ToldEvent, Word } from './told.ts'

/** Largest body: a line for each of some hundred thousand customers. */
const bodyBytes = 16 << 20

/** A system's own event: it makes doubtful where somebody is, and ends no fence, since the export of others may go on. */
async function tellEvent(app: FastifyInstance, { what, iCustomer, iAccount }: ToldEvent) {
  if (app.hasDecorator('entityLocation')) {
    const moved = { ...(iCustomer !== undefined && { iCustomer }), ...(iAccount !== undefined && { iAccount }) }
    if (iCustomer === undefined && iAccount === undefined) await app.entityLocation.forgetAll()
    else await app.entityLocation.forget(moved)
    if (iCustomer !== undefined && what.startsWith('Customer/')) {
      // Both systems tell of their half in the same words: which of them it was is not known.
      app.entityLocation.noteMove({ iCustomer, state: 'finished', to: null, by: 'event' })
    }
  }
  app.log.info({ iCustomer, iAccount, what }, 'a migration was told: login hints and locations are forgotten')
}

type Ended = Word & { readonly state: 'finished' | 'failed' }
const isEnd = (word: Word): word is Ended => word.state !== 'started'

async function tellWords(app: FastifyInstance, words: readonly Word[]) {
  app.log.info(
    { customers: words.slice(0, 10).map(({ iCustomer }) => iCustomer), count: words.length, what: words[0]?.state },
    'a migration was told: login hints and locations are forgotten'
  )
  if (app.hasDecorator('writeFence')) {
    const ended = words.filter(isEnd)
    const started = words.filter((word) => !isEnd(word))
    if (ended.length > 0) await app.writeFence.end(ended)
    if (started.length > 0) await app.writeFence.start(started)
  } else if (app.hasDecorator('entityLocation')) {
    await app.entityLocation.forgetCustomers(words.map(({ iCustomer }) => iCustomer))
    app.entityLocation.noteMoves(words)
  }
}

/** What the word makes doubtful is forgotten: login hints, and where the customers are. */
async function tellMigration(app: FastifyInstance, body: unknown): Promise<object> {
  const isEvent = typeof body === 'object' && body !== null && 'event_type' in body
  const many = Array.isArray(body) ? itemsOf(body) : body instanceof Lines ? linesOf(body.text) : null
  // Loaded when it is needed: it brings what checks a schema.
  const { eventIn, wordIn, wordsIn } = await import('./told.ts')
  const words = isEvent ? [] : many === null ? [wordIn(body)] : wordsIn(many)
  if (app.hasDecorator('loginForwarding')) await app.loginForwarding.forgetHints()
  if (isEvent) await tellEvent(app, eventIn(body))
  else await tellWords(app, words)
  return many === null ? { success: 1 } : { success: 1, count: words.length }
}

/** A body of lines, so that no JSON text is taken for one. */
class Lines {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const instant = (ms: number) => new Date(ms).toISOString()

function describeMoving(app: FastifyInstance) {
  if (!app.hasDecorator('writeFence')) return { moving: [], counts: {} }
  const { writeFence } = app
  const moving = writeFence.list().map(({ iCustomer, to, since, until }) => ({
    i_customer: iCustomer,
    to,
    since: instant(since),
    until: instant(until)
  }))
  return { moving, counts: writeFence.counts }
}

export function addMigrations(scope: FastifyInstance, app: FastifyInstance) {
  scope.addContentTypeParser(
    ['application/x-ndjson', 'application/jsonl'],
    { parseAs: 'string', bodyLimit: bodyBytes },
    (_request, text, done) => done(null, new Lines(String(text)))
  )
  scope.post('/migrations', { bodyLimit: bodyBytes }, async ({ body }) => tellMigration(app, body))
  scope.get('/migrations', async () => describeMoving(app))
}
