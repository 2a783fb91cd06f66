/**
 * Asking the ops listener, in the name of whoever looks at the page.
 */

const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? ''

/** Off loopback there is a session, and its token is in the page. */
export const hasSession = csrfToken !== ''

const notAllowed = 'Your session has ended. Reload the page and sign in again.'

function problemOf(status, data) {
  if (status === 401 || status === 403) return notAllowed
  if (typeof data?.faultcode === 'string') return `${data.faultstring ?? 'It was refused'} (${data.faultcode})`
  if (status === 404) return 'This gateway does not offer that: look whether its plugin is switched on.'
  return `${data?.error ?? data?.message ?? 'The gateway gave no answer that can be read'} (status ${status})`
}

/**
 * @returns {Promise<{ data: any, problem: string, faultcode: string }>} `problem` is '' where all went well, else a
 *   sentence for people
 */
export async function ask(method, path, body) {
  const headers = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method !== 'GET' && csrfToken !== '') headers['x-csrf-token'] = csrfToken
  let answer
  let text
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
    text = await answer.text()
  } catch {
    return { data: null, problem: 'The gateway did not answer. Look whether it runs, and try again.', faultcode: '' }
  }
  let data = null
  try {
    data = JSON.parse(text)
  } catch {
    // Not everything that answers is the gateway: a proxy before it has pages of its own.
  }
  if (answer.ok) return { data, problem: '', faultcode: '' }
  return { data: null, problem: problemOf(answer.status, data), faultcode: data?.faultcode ?? '' }
}
