/**
 * curl's flags: which are taken over and what each does to a request, and which tell nothing of where it goes.
 */

/** Flags that are followed by a value which tells nothing of where a request goes. */
export const ignoredWithValue = new Set(
  (
    '-o --output -w --write-out -m --max-time --connect-timeout --retry --retry-delay --retry-max-time -c --cookie-jar -K ' +
    '--config --cacert --capath -E --cert --cert-type --key --key-type --ciphers --tls-max --resolve --connect-to --interface ' +
    '-x --proxy --noproxy --limit-rate -r --range -C --continue-at -D --dump-header --trace --trace-ascii --stderr -y ' +
    '--speed-time -Y --speed-limit -z --time-cond --max-redirs --max-filesize --dns-servers --local-port --pass --pinnedpubkey ' +
    '-T --upload-file --unix-socket --aws-sigv4 -U --proxy-user --proto --proto-default --engine --curves -Q --quote'
  ).split(' ')
)

/** Flags that change no request, so that no note is worth a line. */
export const silent = new Set(
  (
    '-s --silent -S --show-error -i --include -v --verbose -k --insecure -L --location -f --fail -N --no-buffer -# ' +
    '--progress-bar --compressed -g --globoff --http1.1 --http2 -0 --http1.0 -4 --ipv4 -6 --ipv6 --path-as-is --fail-with-body ' +
    '-q --disable --no-progress-meter --no-keepalive --tcp-nodelay'
  ).split(' ')
)

/** Flags that are taken over, by each of their names; all of them have a value but the last two. */
export const known = new Map(
  Object.entries({
    '-X': 'method',
    '--request': 'method',
    '-H': 'header',
    '--header': 'header',
    '-d': 'data',
    '--data': 'data',
    '--data-ascii': 'data',
    '--data-raw': 'raw',
    '--data-binary': 'binary',
    '--data-urlencode': 'encoded',
    '--json': 'json',
    '-F': 'form',
    '--form': 'form',
    '--form-string': 'form',
    '-b': 'cookie',
    '--cookie': 'cookie',
    '-u': 'user',
    '--user': 'user',
    '--oauth2-bearer': 'bearer',
    '-A': 'agent',
    '--user-agent': 'agent',
    '-e': 'referer',
    '--referer': 'referer',
    '--url': 'url',
    '-G': 'get',
    '--get': 'get',
    '-I': 'head',
    '--head': 'head'
  })
)

export const valueless = new Set(['get', 'head'])

/** HTTP Basic wants bytes, and `btoa` takes only Latin letters. */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

/** Several of one name are one, as in HTTP; a Cookie's are joined by its own sign. */
function addHeader(headers, name, value) {
  const key = name.toLowerCase()
  const before = headers.get(key)
  headers.set(key, before === undefined ? value : `${before}${key === 'cookie' ? '; ' : ', '}${value}`)
}

/** What curl says by itself gives way to what it was told. */
export function addUsual(headers, name, value) {
  if (!headers.has(name)) headers.set(name, value)
}

export function addHeaderLine(headers, line) {
  const at = line.indexOf(':')
  // "Name;" sends an empty one, and "Name:" takes one of curl's own away: neither says where a request goes.
  if (at > 0 && line.slice(at + 1).trim() !== '')
    addHeader(headers, line.slice(0, at).trim(), line.slice(at + 1).trim())
}

function encodePiece(value) {
  const at = value.search(/[=@]/)
  if (at === -1) return encodeURIComponent(value)
  if (value[at] === '@') return null
  const name = value.slice(0, at)
  return `${name}${name === '' ? '' : '='}${encodeURIComponent(value.slice(at + 1))}`
}

const fileNote = (flag) => `${flag} names a file, which a browser cannot read: the request is explained without it.`

/** What each flag does to the request that is being put together. */
export const takers = {
  method: (request, value) => {
    request.method = value.toUpperCase()
  },
  header: (request, value, flag) => {
    if (value.startsWith('@')) request.notes.push(fileNote(flag))
    else addHeaderLine(request.headers, value)
  },
  data: (request, value, flag) => {
    if (value.startsWith('@')) request.notes.push(fileNote(flag))
    request.pieces.push(value.startsWith('@') ? '' : value)
  },
  raw: (request, value) => {
    request.pieces.push(value)
  },
  encoded: (request, value, flag) => {
    const piece = encodePiece(value)
    if (piece === null) request.notes.push(fileNote(flag))
    request.pieces.push(piece ?? '')
  },
  json: (request, value, flag) => {
    request.isJson = true
    if (value.startsWith('@')) request.notes.push(fileNote(flag))
    else request.json += value
  },
  form: (request, _value, flag) => {
    request.isForm = true
    request.notes.push(`${flag} is not taken over: what a multipart form holds is not looked at here.`)
  },
  cookie: (request, value, flag) => {
    if (value.includes('=')) addHeader(request.headers, 'cookie', value)
    else request.notes.push(fileNote(flag))
  },
  user: (request, value) => {
    addUsual(request.headers, 'authorization', `Basic ${base64(value.includes(':') ? value : `${value}:`)}`)
  },
  bearer: (request, value) => {
    addUsual(request.headers, 'authorization', `Bearer ${value}`)
  },
  agent: (request, value) => {
    addUsual(request.headers, 'user-agent', value)
  },
  referer: (request, value) => {
    addUsual(request.headers, 'referer', value)
  },
  url: (request, value) => {
    request.urls.push(value)
  },
  get: (request) => {
    request.isGet = true
  },
  head: (request) => {
    request.isHead = true
  }
}
takers.binary = takers.data
