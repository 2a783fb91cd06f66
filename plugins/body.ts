/**
 * body
 * Adds  the request's body as it came: a small one is kept whole, a large one streams. `app.readCall` and its kin read
 *       what the decision needs out of it, once, within `bodyLimit`, and put the bytes back.
 * Needs way, streamed-bytes.
 * Off   never.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { bodyFormOf, createMultipartReader, type FieldName, readCall } from '../core/call.ts'
import { type Envelope, readEnvelope } from '../core/envelope.ts'
import { Fault } from '../core/faults.ts'
import { type Call, noCall } from '../core/words.ts'

/** Bodies up to this are kept whole, so that they go up in one piece and can be sent again. */
const keptBytes = 65_536

export type Body = Buffer | AsyncIterable<Buffer> | null

/** What holds a body: a request, or the description of one. */
type Held = Pick<FastifyRequest, 'target' | 'headers' | 'content'>

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes: a buffer when they are kept, a stream when they are not, null when there are none. */
    content: Body
  }
  interface FastifyInstance {
    /**
     * Reads the whole call, keeping its body; throws `malformed_request` or `body_too_large`. Of a SOAP call it tells the
     * method too: from then on the request's target has it.
     */
    readCall(request: Held): Promise<Call>
    /** Reads a call until these fields are known: a large multipart upload streams on behind its first fields. */
    readFields(request: Held, names: readonly FieldName[]): Promise<Call>
  }
}

const brokenOff = (cause: unknown) => new Fault('malformed_request', 'the body broke off', { cause })

/** The rest of a stream, without destroying it: the answer may come before the body was taken (RFC 9112 section 9.5). */
async function* chunksOf(stream: Readable, noteStreamed: (bytes: number) => void): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      noteStreamed((chunk as Buffer).length)
      yield chunk as Buffer
    }
  } catch (cause) {
    // Else it would look as if the system had cut its connection.
    throw brokenOff(cause)
  }
}

async function* joined(head: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* head
  yield* rest
}

/** A small body comes in one piece with its head; until then a client is waited for, ms. */
const waitedMs = 1

/** Takes a body while it is small; hands over a buffer, or what streams on behind what was taken. */
function keepBody(request: FastifyRequest, payload: IncomingMessage, done: (error: Error | null, body?: Body) => void) {
  if (Number(request.headers['content-length'] ?? 0) > keptBytes) {
    done(null, chunksOf(payload, request.server.noteStreamed))
    return
  }
  const chunks: Buffer[] = []
  let bytes = 0
  request.trail.beginWait()
  const finish = (error: Error | null, body: Body = null) => {
    request.trail.endWait(waitedMs)
    payload.off('data', onData).off('end', onEnd).off('error', onError)
    done(error, body)
  }
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes <= keptBytes) return
    payload.pause()
    finish(null, joined(chunks, chunksOf(payload, request.server.noteStreamed)))
  }
  const onEnd = () => finish(null, chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? null))
  const onError = (cause: Error) => finish(brokenOff(cause))
  payload.on('data', onData).on('end', onEnd).on('error', onError)
}

async function body(app: FastifyInstance, { bodyLimit }: { readonly bodyLimit: number }) {
  const tooLarge = () => new Fault('body_too_large', String(bodyLimit))

  /** Takes chunks until `enough` says so or the body ends; puts what was taken back in front of the rest. */
  async function takeUntil(request: Held, enough: (chunk: Buffer) => Promise<boolean>) {
    const content = request.content
    if (content === null || Buffer.isBuffer(content)) return
    if (Number(request.headers['content-length'] ?? 0) > bodyLimit && !isMultipart(request)) throw tooLarge()
    const chunks: Buffer[] = []
    const rest = content[Symbol.asyncIterator]()
    let bytes = 0
    const take = () =>
      rest.next().catch((cause: unknown) => {
        throw brokenOff(cause)
      })
    for (let next = await take(); !next.done; next = await take()) {
      chunks.push(next.value)
      bytes += next.value.length
      if (await enough(next.value)) {
        request.content = joined(chunks, { [Symbol.asyncIterator]: () => rest })
        return
      }
      if (bytes > bodyLimit) throw tooLarge()
    }
    request.content = Buffer.concat(chunks)
  }

  const isMultipart = ({ headers, target }: Held) =>
    target.route.wire !== 'soap' && bodyFormOf(headers['content-type']) === 'multipart'

  /** Envelopes that were read, by their bytes: the session and the entity are asked for apart. */
  const envelopes = new WeakMap<Buffer, Envelope>()

  async function readSoapCall(request: Held): Promise<Call> {
    await takeUntil(request, async () => false)
    const { content, target, headers } = request
    if (!Buffer.isBuffer(content) || content.length === 0) return noCall
    const read = envelopes.get(content) ?? readEnvelope(target.route.method, headers['content-type'], content)
    envelopes.set(content, read)
    request.target = { ...target, route: { ...target.route, method: read.method, inEnvelope: true } }
    return read.call
  }

  async function readWholeCall(request: Held): Promise<Call> {
    if (request.target.route.wire === 'soap') return readSoapCall(request)
    const contentType = request.headers['content-type']
    if (bodyFormOf(contentType) !== 'other') await takeUntil(request, async () => false)
    const content = Buffer.isBuffer(request.content) ? request.content : null
    return readCall(request.target.route, contentType, content)
  }

  app.decorate('readCall', readWholeCall)
  app.decorate('readFields', async function readFields(request: Held, names: readonly FieldName[]): Promise<Call> {
    if (Buffer.isBuffer(request.content) || request.content === null || !isMultipart(request))
      return readWholeCall(request)
    const reader = createMultipartReader(request.headers['content-type'] ?? '')
    let found = false
    await takeUntil(request, async (chunk) => {
      found = await reader.write(chunk, names)
      return found
    })
    return reader.call({ whole: !found })
  })

  app.decorateRequest('content', null)
  app.removeAllContentTypeParsers()
  // The usual types by name: for "*" Fastify would take each Content-Type apart again.
  app.addContentTypeParser(
    ['application/json', 'application/x-www-form-urlencoded', '*'],
    function parseNothing(request, payload, done) {
      keepBody(request, payload, (error, kept = null) => {
        request.content = kept
        done(error, undefined)
      })
    }
  )
  // Fastify reads no body of a GET; what comes with one goes up as it is.
  app.addHook('preValidation', function keepUnusualBody(request, _reply, done) {
    const { headers } = request
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (request.content === null && hasBody && !request.raw.complete)
      request.content = chunksOf(request.raw, app.noteStreamed)
    done()
  })
}

export default fp(body, { name: 'body', fastify: '5.x', dependencies: ['way', 'streamed-bytes'] })
