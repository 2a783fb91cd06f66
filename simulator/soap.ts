/**
 * SOAP, as far as the simplest clients use it: an envelope with the session in its header and one call in its body.
 * Elements become JSON parameters, and the JSON answer becomes elements again.
 */
import { Answer } from './answers.ts'
import { fault } from './api-fault.ts'
import { answering, type Exchange, executeCall } from './calls.ts'
import { isJsonObject, type JsonObject, parseJson, textOf } from './exact-json.ts'
import { isWrite } from './methods/index.ts'

const envelopeSpace = 'http://schemas.xmlsoap.org/soap/envelope/'
const tagPattern = /<(\/?)(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*?)?(\/?)>([^<]*)/g
const ignored = /<\?[\s\S]*?\?>|<!--[\s\S]*?-->/g
const cdata = /<!\[CDATA\[([\s\S]*?)\]\]>/g
const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

export function answerSoap(exchange: Exchange): Answer {
  const { target, content, open } = exchange
  let method = target.method
  const json = answering(exchange, () => {
    const envelope = objectOf(readXml(content.text).Envelope)
    const body = objectOf(envelope.Body)
    // The URL may end at the service: then the body's element names the method.
    method ??= Object.keys(body)[0] ?? null
    if (open !== null) Object.assign(open.entry, { method, write: isWrite(method) })
    const params = objectOf(method === null ? undefined : body[method])
    const authInfo = objectOf(objectOf(envelope.Header).auth_info)
    return executeCall({
      ...exchange,
      target: { ...target, api: 'rest', method },
      content: { ...content, authInfo, params: isJsonObject(params.params) ? params.params : params }
    })
  })
  return inEnvelope(json, method)
}

/** What would be answered in JSON, in an envelope. */
export function inEnvelope(json: Answer, method: string | null): Answer {
  if (!(json.body instanceof Buffer)) return json
  const result = parseJson(json.body.toString())
  const cookies = json.headers.filter(([name]) => name === 'Set-Cookie')
  const inner = json.faultcode === null ? resultXml(method ?? 'call', result) : faultXml(result)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="${envelopeSpace}"><soap:Body>${inner}</soap:Body></soap:Envelope>\n`
  return new Answer(
    json.status,
    [['Content-Type', 'text/xml; charset=UTF-8'], ...cookies],
    Buffer.from(xml),
    json.faultcode
  )
}

function resultXml(method: string, result: unknown): string {
  return `<${method}Response>${toXml(result)}</${method}Response>`
}

function faultXml(result: unknown): string {
  const { faultcode, faultstring } = objectOf(result)
  return `<soap:Fault><faultcode>${escapeXml(textOf(faultcode) ?? '')}</faultcode><faultstring>${escapeXml(textOf(faultstring) ?? '')}</faultstring></soap:Fault>`
}

function toXml(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<item>${toXml(item)}</item>`).join('')
  if (!isJsonObject(value)) return escapeXml(textOf(value) ?? '')
  return Object.entries(value)
    .map(([name, inner]) => (inner === null ? `<${name} nil="true"/>` : `<${name}>${toXml(inner)}</${name}>`))
    .join('')
}

/** Elements to objects and texts; attributes and prefixes are dropped, repeated names become an array. */
function readXml(xml: string): JsonObject {
  if (/<!DOCTYPE|<!ENTITY/i.test(xml)) throw fault('Client.malformed_request')
  const root: JsonObject = {}
  const path: { name: string; children: JsonObject; text: string }[] = [{ name: '', children: root, text: '' }]
  const plain = xml.replace(cdata, (_, text: string) => escapeXml(text)).replace(ignored, '')
  for (const [, closing, name = '', selfClosing, text = ''] of plain.matchAll(tagPattern)) {
    if (closing === '') path.push({ name, children: {}, text })
    if (closing === '' && selfClosing === '') continue
    const ended = path.pop()
    const parent = path.at(-1)
    if (ended === undefined || parent === undefined || ended.name !== name) throw fault('Client.malformed_request')
    addChild(parent.children, name, Object.keys(ended.children).length > 0 ? ended.children : unescapeXml(ended.text))
  }
  if (path.length !== 1) throw fault('Client.malformed_request')
  return root
}

function addChild(parent: JsonObject, name: string, value: unknown): void {
  const present = parent[name]
  if (present === undefined) parent[name] = value
  else if (Array.isArray(present)) present.push(value)
  else parent[name] = [present, value]
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    return String.fromCodePoint(decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
