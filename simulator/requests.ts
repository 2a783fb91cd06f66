/**
 * The way of one request through a system: journal, fault switch, body, answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, faultAnswer, textAnswer } from './answers.ts'
import { ApiFault } from './api-fault.ts'
import { type Exchange, executeCall } from './calls.ts'
import { answerDocs } from './docs.ts'
import { answerEspf } from './espf.ts'
import type { OpenEntry } from './journal.ts'
import { isWrite } from './methods/index.ts'
import { endsBeforeCall, replacementOf, resetSocket, sendDespite } from './misbehaviour.ts'
import { answerPage } from './pages/index.ts'
import type { RealmName } from './realms.ts'
import { answerSoap, inEnvelope } from './soap.ts'
import type { System } from './system.ts'
import { contentOf, type Target, targetOf } from './wire.ts'
import { answerWsdl } from './wsdl.ts'

export type RequestHandler = (realm: RealmName, req: IncomingMessage, res: ServerResponse) => void

export function createRequestHandler(system: System, log: (line: string) => void): RequestHandler {
  return function onRequest(realm, req, res) {
    const target = targetOf(req.url ?? '/')
    const open = system.journal.arrive(arrivalOf(realm, req, target))
    open?.settleWith(res)
    handle({ system, realm, req, target, open }, res).catch((error: Error & { code?: string }) => {
      // A client that leaves in the middle is the journal's business, not an error of the system.
      if (!req.destroyed && error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
        log(`${req.method} ${target.path}: ${error.stack}`)
      res.destroy()
    })
  }
}

async function handle(arrived: Omit<Exchange, 'content'>, res: ServerResponse): Promise<void> {
  const { system, realm, req, target } = arrived
  const { service, method } = target
  const fault = system.faults.take({ service, method, realm, url: req.url ?? '' })
  if (fault?.kind === 'reset' && fault.at === 'request') return resetSocket(req.socket)
  const answer = await answerTo(arrived, (exchange) => {
    if (endsBeforeCall(fault, req)) return null
    const replacement = replacementOf(fault)
    if (replacement !== null && fault?.kind === 'fault' && target.api === 'soap') return inEnvelope(replacement, method)
    return replacement ?? execute(exchange)
  })
  if (answer === null || res.destroyed) return
  await sendDespite(fault, res, answer)
}

/** A body that cannot be read is answered with a fault, as one that cannot be understood is. */
async function answerTo(
  arrived: Omit<Exchange, 'content'>,
  run: (exchange: Exchange) => Answer | null
): Promise<Answer | null> {
  try {
    return run({ ...arrived, content: await contentOf(arrived.req, arrived.target, arrived.open) })
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    noteFault(arrived.open, error)
    return faultAnswer(error)
  }
}

function execute(exchange: Exchange): Answer {
  const { api } = exchange.target
  if (api === 'page') return answerPage(exchange)
  if (api === 'doc') return answerDocs(exchange)
  if (api === 'espf') return answerEspf(exchange)
  if (!['GET', 'POST'].includes(exchange.req.method ?? '')) return textAnswer('text/plain', 'Method not allowed\n', 405)
  if (api !== 'soap') return executeCall(exchange)
  return exchange.req.method === 'GET' && exchange.target.query.has('wsdl')
    ? answerWsdl(exchange)
    : answerSoap(exchange)
}

function arrivalOf(realm: RealmName, req: IncomingMessage, { api, service, method }: Target) {
  const httpMethod = req.method ?? ''
  return {
    realm,
    httpMethod,
    url: req.url ?? '',
    rawHeaders: req.rawHeaders,
    service,
    method,
    write: api === 'espf' || api === 'page' ? !['GET', 'HEAD'].includes(httpMethod) : isWrite(method)
  }
}

function noteFault(open: OpenEntry | null, { faultcode }: ApiFault): void {
  if (open !== null) open.entry.faultcode = faultcode
}
