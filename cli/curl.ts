/**
 * A request as curl's arguments describe it.
 */
import { wrongUsage } from './errors.ts'

/** As `POST /explain` takes it. */
export interface Described {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Flags with a value that say nothing of where a request goes. */
const ignoredWithValue = new Set(
  '-o --output -m --max-time --connect-timeout --retry --cacert --capath -E --cert --key --resolve --connect-to -w --write-out -c --cookie-jar -D --dump-header -x --proxy --max-redirs --limit-rate --interface'.split(
    ' '
  )
)
/** And those without one. */
const ignored = new Set(
  '-s --silent -S --show-error -i --include -k --insecure -L --location -v --verbose -f --fail --fail-with-body --compressed -# --progress-bar -N --no-buffer --http1.0 --http1.1 --http2 -4 --ipv4 -6 --ipv6 -g --globoff --tlsv1.2 --tlsv1.3 -O --remote-name --no-progress-meter --path-as-is'.split(
    ' '
  )
)
const withValue: Readonly<Record<string, string>> = {
  '-X': 'method',
  '--request': 'method',
  '-H': 'header',
  '--header': 'header',
  '-d': 'data',
  '--data': 'data',
  '--data-ascii': 'data',
  '--data-binary': 'binary',
  '--data-raw': 'raw',
  '--json': 'json',
  '-b': 'cookie',
  '--cookie': 'cookie',
  '-A': 'agent',
  '--user-agent': 'agent',
  '-e': 'referer',
  '--referer': 'referer',
  '-u': 'user',
  '--user': 'user',
  '--url': 'url'
}
const withoutValue: Readonly<Record<string, string>> = { '-G': 'get', '--get': 'get', '-I': 'head', '--head': 'head' }

type Flag = readonly [what: string, value: string]

/** `-sid x` is `-s -i -d x`, `-dx` is `-d x`, and `--data=x` is nothing of curl's. */
function* flagsIn(args: readonly string[]): Generator<Flag> {
  const rest = [...args]
  const takeValue = (flag: string, joined: string) => {
    const value = joined === '' ? rest.shift() : joined
    if (value === undefined) throw wrongUsage(`${flag} needs a value`)
    return value
  }
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') || word === '-') {
      yield ['url', word]
      continue
    }
    const isLong = word.startsWith('--')
    const flag = isLong ? word : word.slice(0, 2)
    const joined = isLong ? '' : word.slice(2)
    if (flag in withValue) yield [withValue[flag] as string, takeValue(flag, joined)]
    else if (ignoredWithValue.has(flag)) takeValue(flag, joined)
    else if (flag in withoutValue || ignored.has(flag)) {
      if (flag in withoutValue) yield [withoutValue[flag] as string, '']
      if (joined !== '') rest.unshift(`-${joined}`)
    } else throw wrongUsage(`${flag} is not known: explain takes what curl does of -X -H -d -b -A -e -u -G -I`)
  }
}

/** Files that a value names; curl takes line ends out of what -d reads. */
export type ReadFile = (name: string) => string

function bodyPart(what: string, value: string, readFile: ReadFile): string {
  if (what === 'raw' || !value.startsWith('@')) return value
  const text = readFile(value.slice(1))
  return what === 'data' ? text.replaceAll(/[\r\n]/g, '') : text
}

const single: Readonly<Record<string, string>> = { cookie: 'cookie', agent: 'user-agent', referer: 'referer' }

export function describedBy(args: readonly string[], readFile: ReadFile): Described {
  const headers: Record<string, string> = {}
  const parts: string[] = []
  const own: { method?: string; url?: string; isGet?: true } = {}
  const add = (name: string, value: string) => {
    headers[name] = name === 'cookie' && headers.cookie !== undefined ? `${headers.cookie}; ${value}` : value
  }
  for (const [what, value] of flagsIn(args)) {
    if (what === 'url' && own.url !== undefined) throw wrongUsage('explain takes one URL')
    if (what === 'url' || what === 'method') own[what] = value
    else if (what === 'get') own.isGet = true
    else if (what === 'head') own.method ??= 'HEAD'
    else if (what === 'user') add('authorization', `Basic ${Buffer.from(value).toString('base64')}`)
    else if (single[what] !== undefined) add(single[what], value)
    else if (what === 'header') {
      const [, name, text] = /^([^:;]+)[:;]\s*([\s\S]*)$/.exec(value) ?? []
      if (name === undefined || text === undefined) throw wrongUsage('-H: a header is a name, a colon and a value')
      add(name.trim().toLowerCase(), text)
    } else {
      parts.push(bodyPart(what, value, readFile))
      if (what === 'json') headers['content-type'] ??= 'application/json'
    }
  }
  if (own.url === undefined) throw wrongUsage('explain needs a URL, --file FILE, or a request on its input')
  const data = parts.join('&')
  // A bare host is http to curl; a path alone is what ops takes too.
  const url = /^(?:https?:\/\/|\/)/i.test(own.url) ? own.url : `http://${own.url}`
  if (own.isGet) {
    const query = data === '' ? '' : `${url.includes('?') ? '&' : '?'}${data}`
    return { method: own.method ?? 'GET', url: url + query, headers, body: '' }
  }
  if (parts.length > 0) headers['content-type'] ??= 'application/x-www-form-urlencoded'
  return { method: own.method ?? (parts.length > 0 ? 'POST' : 'GET'), url, headers, body: data }
}
