/**
 * The headers of a request that is being put together.
 */

/** Of these the gateway takes the first that comes, as Node does. */
const single = new Set(['authorization', 'content-type', 'host', 'referer', 'user-agent'])

export function createHeaders() {
  const all = new Map()
  /** Which curl is told not to send. */
  const without = new Set()

  /** Several of one name are one, as in HTTP; a Cookie's are joined by its own sign. */
  function add(name, value) {
    const before = all.get(name)
    if (before === undefined) all.set(name, value)
    else if (!single.has(name)) all.set(name, `${before}${name === 'cookie' ? '; ' : ', '}${value}`)
  }

  return {
    /** "Name: value". As curl has it, "Name:" takes one of its own away, "Name;" is an empty one, and all else is none. */
    addLine(line) {
      const at = line.indexOf(':')
      const empty = at < 0 ? /^\s*([^\s;]+);\s*$/.exec(line)?.[1] : undefined
      const name = (empty ?? line.slice(0, Math.max(at, 0))).trim().toLowerCase()
      const value = line.slice(at + 1).trim()
      if (name === '') return
      if (empty !== undefined) add(name, '')
      else if (value === '') without.add(name)
      else add(name, value)
    },
    /** What curl says by itself gives way to what it was told. */
    addUsual(name, value) {
      if (value !== null && !all.has(name) && !without.has(name)) all.set(name, value)
    },
    get: (name) => all.get(name),
    set: (name, value) => all.set(name, value),
    all: () => Object.fromEntries(all)
  }
}
