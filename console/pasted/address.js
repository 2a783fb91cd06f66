/**
 * Addresses as curl takes them.
 */

/** Without a scheme curl takes http; a path alone stays one. */
const withScheme = (url) => (/^(?:[a-z][a-z\d+.-]*:\/\/|\/)/i.test(url) ? url : `http://${url}`)

export function withQuery(url, query) {
  if (query === '') return url
  return url + (url.includes('?') ? (/[?&]$/.test(url) ? '' : '&') : '?') + query
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** An address without what curl does not send of it, and the user that it names. */
export function splitAddress(given) {
  const [, scheme = '', user, rest = ''] =
    /^([a-z][a-z\d+.-]*:\/\/)(?:([^/?]*)@)?(.*)$/is.exec(withScheme(given.split('#', 1)[0] ?? '')) ?? []
  if (scheme === '') return { url: given.split('#', 1)[0] ?? '', user: null }
  return { url: scheme + rest, user: user === undefined ? null : decoded(user) }
}

/** The path and the query give way to what is sent instead of them. */
export const withTarget = (url, target) =>
  url.replace(/^((?:[a-z][a-z\d+.-]*:\/\/[^/?]*)?).*$/is, (_all, origin) => origin + target)
