/**
 * The names of the store's keys in Redis. The 1 in them is the version of their form: a release with another form shares
 * nothing with this one, and cannot misread it.
 */
import type { RedisPlace } from '../place.ts'

export type Names = ReturnType<typeof createNames>

export function createNames({ prefix, db }: RedisPlace) {
  const base = `${prefix}:1:`
  return {
    /** Which store this is: gone or another when the store was emptied. */
    epoch: `${base}epoch`,
    /** When what was kept was last lost, ms since 1970. */
    lost: `${base}lost`,
    /** How often each purpose has been forgotten as a whole. */
    generations: `${base}generations`,
    /** Channels know no databases. */
    channel: `${base}${db}:changes`,
    web: `${base}web:`,
    /** What a purpose's keys begin with. A purpose that was never forgotten has the plain form. */
    space: (purpose: string, generation: number) => `${base}${purpose}${generation === 0 ? '' : `.${generation}`}:`,
    /** Finds a purpose's keys of every generation. The prefix has no letter that is special in a pattern but a dash. */
    pattern: (purpose: string) => `${base}${purpose}[.:]*`,
    /** The generation that a key found by it belongs to. */
    generationOf: (purpose: string, key: string) =>
      key[base.length + purpose.length] === '.' ? Number.parseInt(key.slice(base.length + purpose.length + 1), 10) : 0
  }
}
