/**
 * Reads a call out of a URL path: what stands behind its method.
 */
import { malformed, orNothing, parseObject } from './call.ts'
import type { Call, JsonObject } from './words.ts'

/** The end of the JSON object that begins at `from`, or -1. Splitting at "/" would break strings that contain one. */
function endOfObject(text: string, from: number): number {
  let depth = 0
  let inString = false
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return at + 1
  }
  return -1
}

function scanPath(text: string): Call {
  const found: (JsonObject | null)[] = []
  const texts: string[] = []
  let at = 0
  while (at < text.length && text[at] === '/' && found.length < 2) {
    at++
    const end = text[at] === '{' ? endOfObject(text, at) : at
    if (end === -1) throw malformed('the JSON in the path does not end')
    const own = text.slice(at, end)
    found.push(parseObject(own, 'the JSON in the path'))
    texts.push(own)
    at = end
  }
  const rest = text.slice(at)
  if (rest !== '' && rest !== '/' && !/^\/?\?/.test(rest)) throw malformed('the path goes on after the method')
  return { authInfo: found[0] ?? null, params: found[1] ?? null, paramsText: orNothing(texts[1]) }
}

/** `/<auth_info>/<params>` behind the method, percent-encoded or raw; throws `malformed_request` for anything else. */
export function readPath(inPath: string): Call {
  let decoded = inPath
  try {
    decoded = decodeURIComponent(inPath)
  } catch {
    // A raw "%" in a password: then nothing is encoded.
  }
  try {
    return scanPath(decoded)
  } catch (error) {
    if (decoded === inPath) throw error
    return scanPath(inPath)
  }
}
