/**
 * Reads a call out of JSON, form and multipart bodies, and joins it with what stands in the path.
 * What is parsed is a copy; the bytes that go on are the client's own.
 */
import { isDeepStrictEqual } from 'node:util'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { Fault } from './faults.ts'
import { memberText } from './json-text.ts'
import { type Call, type JsonObject, noCall, type Route } from './words.ts'

export type BodyForm = 'json' | 'form' | 'multipart' | 'other'

/** Which of the API's body forms a Content-Type names; 'other' has no place for credentials. */
export function bodyFormOf(contentType: string | undefined): BodyForm {
  if (contentType === undefined) return 'other'
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json' || type?.endsWith('+json')) return 'json'
  if (type === 'application/x-www-form-urlencoded') return 'form'
  return type === 'multipart/form-data' ? 'multipart' : 'other'
}

export const malformed = (why: string, cause?: unknown) => new Fault('malformed_request', why, { cause })

/** A JSON object, or null for nothing (absent, null, empty text); anything else is malformed. */
function objectOf(value: unknown, name: string): JsonObject | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed(`${name} is not a JSON object`)
  return value as JsonObject
}

export function parseObject(text: string, name: string): JsonObject | null {
  if (text.trim() === '') return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // No cause: V8's message quotes the text, which may hold a password.
    throw malformed(`${name} is not JSON`)
  }
  return objectOf(value, name)
}

function textOf(body: Buffer, contentType: string | undefined): string {
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).decode(body)
  } catch {
    throw malformed('unknown charset')
  }
}

export const orNothing = (text: string | undefined) =>
  text === undefined || text.trim() === '' ? noCall.paramsText : text

function readJson(text: string): Call {
  const whole = parseObject(text, 'the body')
  const params = objectOf(whole?.params, 'params')
  return {
    authInfo: objectOf(whole?.auth_info, 'auth_info'),
    params,
    // Looked for only when somebody asks: few calls need it.
    get paramsText() {
      return orNothing(params === null ? undefined : memberText(text, 'params'))
    }
  }
}

export type FieldName = 'auth_info' | 'params'

/** Collects the two fields of form and multipart bodies; a field that comes twice contradicts itself. */
function createFields() {
  const fields = new Map<string, string>()
  return {
    add(name: string, value: string) {
      if (name !== 'auth_info' && name !== 'params') return
      if (fields.has(name)) throw malformed(`the field ${name} comes twice`)
      fields.set(name, value)
    },
    has: (name: string) => fields.has(name),
    call: (): Call => ({
      authInfo: parseObject(fields.get('auth_info') ?? '', 'auth_info'),
      params: parseObject(fields.get('params') ?? '', 'params'),
      paramsText: orNothing(fields.get('params'))
    })
  }
}

function readForm(text: string): Call {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw malformed('a "%" without two hexadecimal digits')
  const fields = createFields()
  for (const [name, value] of new URLSearchParams(text)) fields.add(name, value)
  return fields.call()
}

/** Longest `auth_info` or `params` field of a multipart body, bytes. */
const fieldLimitBytes = 1 << 20

/**
 * Reads a multipart body chunk by chunk, so that a large upload need not be held: its fields are known as soon as they
 * have passed. Files are let through unseen.
 */
export function createMultipartReader(contentType: string) {
  const fields = createFields()
  let failure: unknown
  const parser = (() => {
    try {
      return new Busboy({
        headers: { 'content-type': contentType } as BusboyHeaders,
        limits: { fieldSize: fieldLimitBytes, headerPairs: 50 }
      })
    } catch (cause) {
      throw malformed('multipart without a boundary', cause)
    }
  })()
  const ended = new Promise<void>((resolve) => {
    parser.on('error', (error) => {
      failure ??= malformed('broken multipart body', error)
      resolve()
    })
    parser.on('finish', resolve)
  })
  parser.on('file', (_field, file) => file.resume())
  parser.on('field', (name, value, _nameCut, valueCut) => {
    try {
      if (valueCut) throw malformed('a multipart field is too long')
      fields.add(name, value)
    } catch (error) {
      failure ??= error
    }
  })
  const check = () => {
    if (failure !== undefined) throw failure
  }

  return {
    /** Takes the next chunk; resolves once what it completed is known. True when all of the named fields have been read. */
    async write(chunk: Buffer, names: readonly FieldName[]): Promise<boolean> {
      await new Promise((resolve) => parser.write(chunk, () => setImmediate(resolve)))
      check()
      return names.every((name) => fields.has(name))
    },
    /** The call as known so far; `whole` waits for the body's proper end first. */
    async call({ whole }: { whole: boolean }): Promise<Call> {
      if (whole) {
        parser.end()
        await ended
      }
      check()
      return fields.call()
    }
  }
}

const isSame = (a: JsonObject | null, b: JsonObject | null) => a === null || b === null || isDeepStrictEqual(a, b)

/**
 * Reads a whole call; throws `malformed_request` with the reason. `body` is null where there is none.
 * An empty body is no body, whatever its Content-Type says.
 */
export async function readCall(route: Route, contentType: string | undefined, body: Buffer | null): Promise<Call> {
  const { inPath } = route
  const inBody = body === null || body.length === 0 ? noCall : await readBody(contentType, body)
  if (!isSame(inPath.authInfo, inBody.authInfo) || !isSame(inPath.params, inBody.params)) {
    throw malformed('the path and the body contradict each other')
  }
  const authInfo = inPath.authInfo ?? inBody.authInfo
  if (inPath.params !== null) return { authInfo, params: inPath.params, paramsText: inPath.paramsText }
  return authInfo === inBody.authInfo ? inBody : { authInfo, params: inBody.params, paramsText: inBody.paramsText }
}

async function readBody(contentType: string | undefined, body: Buffer): Promise<Call> {
  switch (bodyFormOf(contentType)) {
    case 'json':
      return readJson(textOf(body, contentType))
    case 'form':
      return readForm(textOf(body, contentType))
    case 'multipart': {
      const reader = createMultipartReader(contentType ?? '')
      await reader.write(body, [])
      return reader.call({ whole: true })
    }
    default:
      return noCall
  }
}
