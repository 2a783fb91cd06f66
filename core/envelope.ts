/**
 * Reads a call out of a SOAP envelope: the method that its Body names, the session in its Header, the parameters. Names
 * count, prefixes do not; and whatever a system could read in two ways is refused, since what is judged here must be what
 * the system does.
 */
import { Fault } from './faults.ts'
import { type Call, type JsonObject, noCall } from './words.ts'
import { type Element, localName, trimmed, UnreadableXml } from './xml.ts'
import { readXmlBytes, type XmlBytes } from './xml-bytes.ts'

export interface Envelope {
  readonly method: string
  readonly call: Call
}

const malformed = (why: string) => new Fault('malformed_request', why)

/** Reads the bytes of an envelope; throws `malformed_request` with the reason. */
export function readEnvelopeXml(body: Buffer, contentType: string | undefined): XmlBytes {
  try {
    return readXmlBytes(body, contentType)
  } catch (error) {
    if (error instanceof UnreadableXml) throw malformed(`the SOAP envelope cannot be read: ${error.message}`)
    throw error
  }
}

/** The only child of this name; null when there is none. A second one would be read by somebody else. */
function onlyChild({ children }: Element, name: string): Element | null {
  const [found = null, second] = children.filter((child) => child.name === name)
  if (second !== undefined) throw malformed(`the SOAP envelope has more than one ${name}`)
  return found
}

/** Members that hold a record. */
const recordName = /_info$/

/** What tells who is meant, or what a session is called: twice is a contradiction, not an array. */
const singular =
  /^(?:i_customer|i_account|i_master_account|\w{0,60}_info|params|login|context|access_token|session_id|refresh_token)$/

function isNil({ attributes, children, text }: Element): boolean {
  const says = attributes.some(([name, value]) => localName(name) === 'nil' && /^\s*(?:true|1)\s*$/.test(value))
  if (says && (children.length > 0 || trimmed(text) !== '')) throw malformed('an element is nil and has content')
  return says
}

/** What such an element stands for is elsewhere in the envelope (SOAP 1.1 section 5.4.1). */
function refuseReference({ attributes }: Element) {
  const refers = attributes.some(([name, value]) => localName(name) === 'href' && value.startsWith('#'))
  if (refers) throw malformed('an element of the SOAP envelope refers to another one')
}

function memberOf(element: Element): unknown {
  refuseReference(element)
  if (isNil(element)) return null
  if (element.children.length > 0 || recordName.test(element.name)) return recordOf(element)
  return trimmed(element.text)
}

/** Elements as members; those of one name are an array. By entries, since a name can be `__proto__`. */
function recordOf({ children }: Element): JsonObject {
  const members = new Map<string, unknown[]>()
  for (const child of children) {
    const values = members.get(child.name)
    if (values === undefined) members.set(child.name, [memberOf(child)])
    else if (singular.test(child.name)) throw malformed(`${child.name} comes twice`)
    else values.push(memberOf(child))
  }
  return Object.fromEntries([...members].map(([name, values]) => [name, values.length > 1 ? values : values[0]]))
}

/**
 * The parameters of a call, or the result in an answer: the elements in it, or in the one element around all of them that
 * some clients and systems put there, under any name.
 */
function contentOf(element: Element): JsonObject {
  const [only, second] = element.children
  if (only === undefined || second !== undefined || only.children.length === 0 || recordName.test(only.name)) {
    return recordOf(element)
  }
  refuseReference(only)
  isNil(only)
  return recordOf(only)
}

function paramsOf(element: Element): JsonObject {
  const hasWrapper = element.children.some(({ name, children }) => name === 'params' && children.length > 0)
  if (hasWrapper && element.children.length > 1) throw malformed('params stands beside other parameters')
  return contentOf(element)
}

/**
 * What an answer says: the members of its result, or `faultcode` and `faultstring` of a fault, whose code may have a prefix
 * since it is a name (SOAP 1.1 section 4.4). Null for an empty Body; throws for what is no envelope.
 */
export function resultIn(body: Buffer, contentType: string): JsonObject | null {
  const found = bodyIn(readEnvelopeXml(body, contentType))
  if (found === null) return null
  const result = contentOf(found)
  if (found.name !== 'Fault' || typeof result.faultcode !== 'string') return result
  return { ...result, faultcode: localName(result.faultcode) }
}

/** The alphabet of a method's name: it goes into the access line. */
const methodName = /^[A-Za-z]\w{0,63}$/

/** What a Body holds: one call, or an answer; null for an envelope that has none. */
function bodyIn({ root }: XmlBytes): Element | null {
  if (root.name !== 'Envelope') throw malformed('it is no SOAP envelope')
  const [found = null, second] = onlyChild(root, 'Body')?.children ?? []
  if (second !== undefined) throw malformed('the SOAP Body has more than one element')
  return found
}

function authInfoOf({ root }: XmlBytes): JsonObject | null {
  const header = onlyChild(root, 'Header')
  const found = header === null ? null : onlyChild(header, 'auth_info')
  if (found === null || isNil(found)) return null
  if (found.children.length === 0 && trimmed(found.text) !== '') throw malformed('auth_info is not a record')
  return memberOf(found) as JsonObject
}

/** Reads an envelope; throws `malformed_request` with the reason, where `method` is not what the URL names too. */
export function readEnvelope(urlMethod: string, contentType: string | undefined, body: Buffer): Envelope {
  const xml = readEnvelopeXml(body, contentType)
  const called = bodyIn(xml)
  if (called === null) throw malformed('the SOAP Body has no call')
  const { name: method } = called
  if (!methodName.test(method)) throw malformed('the SOAP Body names no method')
  if (urlMethod !== '' && urlMethod !== method) throw malformed('the URL and the SOAP Body name different methods')
  refuseReference(called)
  const params = paramsOf(called)
  const call = { ...noCall, authInfo: authInfoOf(xml), params, paramsText: JSON.stringify(params) }
  return { method, call }
}
