/**
 * What is wrong with a config, one line per mistake: the key's path, what was found, what is accepted.
 */
import leven from 'leven'
import * as Format from 'typebox/format'
import { Errors } from 'typebox/schema'
import { Settings } from 'typebox/system'
import type { TSchema } from '../core/schema.ts'

type Schema = Readonly<Record<string, unknown>>
interface SchemaError {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
}

/** What a format accepts, in words; its test is beside it. */
const formats: Readonly<Record<string, readonly [words: string, test: (text: string) => boolean]>> = {
  'http-origin': ['an http(s) URL without a path', isHttpOrigin],
  file: ['the name of a file', (text) => text !== ''],
  cidr: ['an IP address or a CIDR such as 10.0.0.0/8', isCidr],
  host: ['a host name, or *. and a host name', (text) => /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(text)],
  'whole-host': ['a host name', (text) => /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(text)],
  prefix: ['a path such as /rest', (text) => /^(?:\/[\w.~-]+)+$/.test(text)]
}
for (const [name, [, test]] of Object.entries(formats)) Format.Set(name, test)

/** A mistyped config should be told all at once. */
const mistakeLimit = 1000

function isHttpOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, pathname, search, hash, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && pathname === '/' && `${search}${hash}${username}${password}` === ''
}

function isCidr(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const isV6 = URL.canParse(`http://[${address}]`)
  const isV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(address)
  return (isV4 && Number(bits ?? 32) <= 32) || (isV6 && Number(bits ?? 128) <= 128)
}

/** `/systems/source/url` -> `systems.source.url`; `/listen/0` -> `listen[0]`. */
export function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`), '')
}

function at(root: unknown, pointer: string): unknown {
  const parts = pointer.replace(/^#/, '').split('/').slice(1)
  return parts.reduce<unknown>(
    (value, part) => (value as Schema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    root
  )
}

function accepted(schema: Schema): string {
  const { anyOf, type, minimum, maximum, minLength, format, pattern } = schema
  if (Array.isArray(anyOf)) return anyOf.map((one) => accepted(one as Schema)).join(', or ')
  if ('const' in schema) return JSON.stringify(schema.const)
  if (type === 'integer' && maximum !== undefined) return `a whole number from ${minimum} to ${maximum}`
  if (type === 'integer') return minimum === undefined ? 'a whole number' : `a whole number of at least ${minimum}`
  if (type === 'boolean') return 'true or false'
  if (type === 'array') return 'a list'
  if (type === 'object') return 'a mapping'
  if (typeof format === 'string') return formats[format]?.[0] ?? format
  if (typeof pattern === 'string') return `a text that matches ${pattern}`
  return typeof minLength === 'number' && minLength > 1 ? `a text of at least ${minLength} characters` : 'a text'
}

/** The value as it is shown; what may be secret, or hold a secret, is not. */
function found(value: unknown, path: string): string {
  if (/(?:^|\.)(?:secret|token|console\.account|password)(?:\[\d+\]|\.|$)/.test(path)) return 'the value'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  const text = (JSON.stringify(value) ?? String(value)).replaceAll(/\/\/[^/@]*@/g, '//***@')
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** The key that was probably meant; undefined when none is near. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const [best] = known.map((name) => ({ name, far: leven(name, key) })).sort((a, b) => a.far - b.far)
  return best !== undefined && best.far <= Math.max(2, best.name.length / 3) ? best.name : undefined
}

export function unknownKey(path: string, key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  if (known.length === 0) return `${path}: is not a known key; it takes no options`
  const hint = near === undefined ? `it may be one of ${known.join(', ')}` : `did you mean ${near}?`
  return `${path}: is not a known key; ${hint}`
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isUnder = (path: string, root: string) => path === root || path.startsWith(`${root}/`)

/** Mistakes of an object's keys: they do not speak against its being an object. */
const ofKeys: ReadonlySet<string> = new Set(['required', 'additionalProperties', 'boolean'])

/** The variant of a union that was meant: the one whose kind of value it is. Null when it is none's. */
function variantMeant(union: SchemaError, errors: readonly SchemaError[]): string | null {
  const root = `${union.schemaPath}/anyOf`
  const inside = errors.filter(
    ({ schemaPath, instancePath }) => isUnder(schemaPath, root) && isUnder(instancePath, union.instancePath)
  )
  const variants = new Set(
    inside.map(({ schemaPath }) => `${root}/${schemaPath.slice(root.length + 1).split('/', 1)[0]}`)
  )
  for (const variant of variants) {
    const own = inside.filter(({ schemaPath }) => isUnder(schemaPath, variant))
    const fits = own.every(({ keyword, instancePath }) => instancePath !== union.instancePath || ofKeys.has(keyword))
    if (fits) return variant
  }
  return null
}

/** Within a union, only what the variant meant says: its own mistakes, or one line for the whole. */
function meant(errors: readonly SchemaError[]): SchemaError[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf')
  const variants = new Map(unions.map((union) => [union, variantMeant(union, errors)]))
  return errors.filter((error) =>
    unions.every((union) => {
      const variant = variants.get(union) ?? null
      if (error === union) return variant === null
      const isInside =
        isUnder(error.schemaPath, `${union.schemaPath}/anyOf`) && isUnder(error.instancePath, union.instancePath)
      return !isInside || (variant !== null && isUnder(error.schemaPath, variant))
    })
  )
}

function linesOf(
  { keyword, schemaPath, instancePath, params }: SchemaError,
  schema: TSchema,
  value: unknown
): string[] {
  const here = at(schema, schemaPath) as Schema
  const path = pathOf(instancePath)
  const inside = (key: string) => (path === '' ? key : `${path}.${key}`)
  const properties = (here.properties ?? {}) as Record<string, Schema>
  switch (keyword) {
    case 'boolean':
      return []
    case 'additionalProperties':
      return (params.additionalProperties as string[]).map((key) =>
        unknownKey(inside(key), key, Object.keys(properties))
      )
    case 'required':
      // What has a default is missing only where defaults could not be filled in: beside the real mistake.
      return (params.requiredProperties as string[])
        .filter((key) => properties[key]?.default === undefined)
        .map((key) => `${inside(key)}: is missing; it takes ${accepted(properties[key] ?? {})}`)
    case 'minItems':
      return [`${path}: is empty; at least one is needed`]
    default:
      return [`${path || 'the file'}: ${found(at(value, instancePath), path)} is not ${accepted(here)}`]
  }
}

export interface Mistakes {
  readonly lines: readonly { readonly pointer: string; readonly line: string }[]
  /** Pointers to values of the wrong type, with the type that is wanted. */
  readonly wrongTypes: readonly { readonly pointer: string; readonly type: string }[]
}

/** Everything that a schema does not accept of a value. */
export function mistakesOf(schema: TSchema, value: unknown): Mistakes {
  Settings.Set({ maxErrors: mistakeLimit })
  const [, errors] = Errors(schema, value) as unknown as [boolean, SchemaError[]]
  const lines = new Map(
    meant(errors).flatMap((error) =>
      linesOf(error, schema, value).map((line) => [line, { pointer: error.instancePath, line }] as const)
    )
  )
  const wrongTypes = errors.flatMap(({ keyword, instancePath, params }) => {
    if (keyword === 'type') return [{ pointer: instancePath, type: String(params.type) }]
    return keyword === 'const' ? [{ pointer: instancePath, type: typeof params.allowedValue }] : []
  })
  return { lines: [...lines.values()], wrongTypes }
}
