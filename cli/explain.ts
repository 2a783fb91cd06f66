/**
 * webdispatcher explain: where a request would go and why. Nothing is sent to any system.
 */
import { requestBy } from '../console/pasted/curl.js'
import { type Described, type Pasted, parsePasted } from '../console/pasted/request.js'
import { Unreadable } from '../console/pasted/unreadable.js'
import { reasons } from '../console/words.js'
import type { Reason } from '../core/decide.ts'
import { exitCodes, wrongUsage } from './errors.ts'
import { readText } from './files.ts'
import { readArguments } from './flags.ts'
import { createOpsClient } from './ops-client.ts'
import type { Surroundings } from './surroundings.ts'

export const explainHelp = `Usage: webdispatcher explain [-X METHOD] URL [-H HEADER] [-d BODY]
       webdispatcher explain --file FILE
       webdispatcher explain < FILE

Where a request would go and why; nothing is sent. Arguments are curl's. A file, or the input, holds a whole curl line, the
text of an HTTP request, or {"method", "url", "headers", "body"} as POST /explain takes it: so a session's credential is in
no list of processes.

  --file FILE     the request; - is the input
`

interface Explained {
  readonly realm: string
  readonly call: string | null
  readonly to: string | null
  readonly reason: Reason
  readonly otherwise?: string
  readonly missing?: string
  readonly status?: number
  readonly location?: string
}

/** Each reason has one: the compiler sees to that. */
const meanings: Readonly<Record<Reason, string>> = reasons

/** The path as far as it is no secret: behind the method there may be credentials. */
function shownPath(url: string, call: string | null): string {
  const path = URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/, 1)[0] ?? '')
  const at = call === null ? -1 : path.indexOf(`/${call}`)
  return call === null || at < 0 ? path : path.slice(0, at + 1 + call.length)
}

function sentence({ method, url }: Described, told: Explained): string {
  const { call, to, reason, otherwise, missing, location } = told
  const place = to ?? (location === undefined ? 'no system' : `a redirect to ${location}`)
  // A reason of a newer gateway has no words here.
  const meaning = Object.hasOwn(meanings, reason) ? [meanings[reason]] : []
  const lines = [`${method} ${shownPath(url, call)} → ${place}, because ${reason}`, ...meaning]
  if (otherwise !== undefined) lines.push(`if that one refuses or is away: ${otherwise}`)
  if (missing !== undefined) lines.push(`without the ${missing}: the session does not live there`)
  return `${lines.join('\n')}\n`
}

/** Curl's own arguments, or a text in any form that the console takes too. */
function read(given: readonly string[] | string): Pasted {
  try {
    return typeof given === 'string' ? parsePasted(given, readText) : requestBy(given, readText)
  } catch (error) {
    throw error instanceof Unreadable ? wrongUsage(error.message) : error
  }
}

export const explainFlags = { file: { type: 'string' } } as const

/** Ours are read by us, wherever they stand; all others are curl's. */
function split(args: readonly string[]) {
  const ours: string[] = []
  const curls: string[] = []
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string
    if (/^--(?:ops|token-file|file)=/.test(word) || word === '--help' || word === '-h') ours.push(word)
    else if (/^--(?:ops|token-file|file)$/.test(word)) ours.push(word, ...args.slice(++at, at + 1))
    // curl's has a body behind it, or a file of one; ours stands alone.
    else if (word === '--json' && !/^\s*[[{@]/.test(args[at + 1] ?? '')) ours.push(word)
    else curls.push(word)
  }
  return { values: readArguments(ours, explainFlags).values, curls }
}

export async function explain(args: readonly string[], surroundings: Surroundings) {
  const { values, curls } = split(args)
  const client = createOpsClient(values, surroundings)
  const isInput = curls.length === 0 ? values.file === undefined && !surroundings.isTyped : false
  if (curls.length > 0 && values.file !== undefined) throw wrongUsage('a URL, or --file; not both')
  const given =
    isInput || values.file === '-'
      ? await surroundings.readInput()
      : values.file === undefined
        ? curls
        : readText(values.file)
  const { request, notes } = read(given)
  for (const note of notes) surroundings.err.write(`${note}\n`)
  const { text, json } = await client.post('/explain', request)
  surroundings.out.write(values.json ? `${text}\n` : sentence(request, json as Explained))
  return exitCodes.done
}
