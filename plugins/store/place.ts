/**
 * What the config's `store` may say: memory, a file, or a URL of Redis in one of its forms. Reads it, tells what is wrong
 * with it, and shows it without its password. Opens nothing.
 */
import { resolve } from 'node:path'

export interface Host {
  readonly host: string
  readonly port: number
}

export interface RedisPlace {
  readonly kind: 'redis'
  /** One server, a master that Sentinels name, or a Cluster. */
  readonly form: 'single' | 'sentinel' | 'cluster'
  readonly isTls: boolean
  /** The server; the Sentinels; some of the Cluster's nodes. */
  readonly hosts: readonly [Host, ...Host[]]
  readonly username: string | undefined
  readonly password: string | undefined
  /** What the Sentinels call it; empty in other forms. */
  readonly master: string
  readonly db: number
  /** What every key begins with. */
  readonly prefix: string
}

export type StorePlace = { readonly kind: 'memory' } | { readonly kind: 'file'; readonly path: string } | RedisPlace

const accepted =
  'memory, file:PATH, or a URL that begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, ' +
  'redis+cluster:// or rediss+cluster://'
const usualPrefix = 'webdispatcher'
const usualPorts = { single: 6379, sentinel: 26_379, cluster: 6379 } as const
const url = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/([^?#]*)(?:\?([^#]*))?$/

type Form = RedisPlace['form']

/** A `store` value without its password, and without what stands where one may have been meant. */
export function shownStore(text: string): string {
  if (text.startsWith('file:')) return text
  return text
    .replace(/^([^:]*:\/*)(.*)@/s, (_, scheme: string, user: string) => {
      const name = user.includes(':') ? user.slice(0, user.indexOf(':')) : ''
      return `${scheme}${/^[\w.-]*$/.test(name) ? name : ''}:***@`
    })
    .replace(/([?&](?!prefix=)[^=&]*=)[^&]*/g, '$1***')
}

class Mistake extends Error {}

const mistakeOf = (text: string, sentence: string) => new Mistake(`${JSON.stringify(shownStore(text))} ${sentence}`)

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw mistakeOf(text, 'has a % that encodes nothing; write % itself as %25')
  }
}

function hostOf(text: string, part: string, form: Form): Host {
  const [, v6, name, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(part) ?? []
  const number = port === undefined ? usualPorts[form] : Number(port)
  const host = v6 ?? name
  if (host === undefined || number < 1 || number > 65_535) {
    throw mistakeOf(text, part === '' ? 'names no host' : 'has a host that is not NAME or NAME:PORT')
  }
  return { host, port: number }
}

/** Its hosts, and who asks. */
function authorityOf(text: string, authority: string, form: Form) {
  const at = authority.lastIndexOf('@')
  const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(at < 0 ? '' : authority.slice(0, at)) ?? []
  if (at >= 0 && (password === undefined || password === '')) {
    throw mistakeOf(text, 'has no password before @; write USER:PASSWORD@ or :PASSWORD@')
  }
  const [first = '', ...others] = authority.slice(at + 1).split(',')
  if (form === 'single' && others.length > 0) {
    throw mistakeOf(text, 'names several hosts; that is for redis+sentinel:// and redis+cluster://')
  }
  return {
    hosts: [hostOf(text, first, form), ...others.map((part) => hostOf(text, part, form))] as const,
    username: user === '' ? undefined : decoded(text, user),
    password: password === undefined ? undefined : decoded(text, password)
  }
}

/** What follows the hosts: the master's name, the number of the database. */
function pathOf(text: string, path: string, form: Form) {
  const parts = path === '' ? [] : path.split('/')
  const master = form === 'sentinel' ? (parts.shift() ?? '') : ''
  if (form === 'sentinel' && master === '') {
    throw mistakeOf(text, "does not end with the master's name, as in redis+sentinel://HOST:26379/mymaster")
  }
  if (form === 'cluster' && parts.length > 0) {
    throw mistakeOf(text, 'names a database, and a Cluster has none; leave out what follows the hosts')
  }
  const [db = '0', ...more] = parts
  if (!/^\d{1,5}$/.test(db) || more.length > 0) {
    throw mistakeOf(text, 'ends with what is not the number of a database, as in redis://HOST:6379/0')
  }
  return { master: decoded(text, master), db: Number(db) }
}

function prefixOf(text: string, query: string | undefined): string {
  const given = new URLSearchParams(query ?? '')
  if ([...given.keys()].some((name) => name !== 'prefix')) {
    throw mistakeOf(text, 'has an option other than prefix, as in ?prefix=webdispatcher')
  }
  const prefix = given.get('prefix') ?? usualPrefix
  if (!/^[\w.-]{1,64}$/.test(prefix)) {
    throw mistakeOf(text, 'has a prefix that is not 1 to 64 letters, digits, dots, dashes or underscores')
  }
  return prefix
}

function redisPlace(text: string): RedisPlace {
  const [, s, named = 'single', rest, query] = url.exec(text) ?? []
  if (rest === undefined) throw mistakeOf(text, `is not ${accepted}`)
  const form = named as Form
  const [, authority = '', path = ''] = /^((?:.*@)?[^/]*)(?:\/(.*))?$/s.exec(rest) ?? []
  return {
    kind: 'redis',
    form,
    isTls: s === 's',
    ...authorityOf(text, authority, form),
    ...pathOf(text, path, form),
    prefix: prefixOf(text, query)
  }
}

/** The place that a `store` value names; the path of a file is taken from this directory. Throws what is wrong with it. */
export function storePlace(text: string, directory = ''): StorePlace {
  if (text === 'memory') return { kind: 'memory' }
  if (!text.startsWith('file:')) return redisPlace(text)
  const path = text.slice('file:'.length)
  if (path === '' || path.endsWith('/') || path.startsWith('//')) {
    throw mistakeOf(text, 'names no file, as file:./dispatcher.db does')
  }
  return { kind: 'file', path: directory === '' ? path : resolve(directory, path) }
}

/** What is wrong with a `store` value; null for nothing. Never shows a password. */
export function storePlaceMistake(text: string): string | null {
  try {
    storePlace(text)
    return null
  } catch (error) {
    if (error instanceof Mistake) return error.message
    throw error
  }
}
