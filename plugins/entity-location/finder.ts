/**
 * Finds one entity: by what is remembered, by its customer, else by asking for it.
 */
import type { FastifyInstance } from 'fastify'
import type { Location } from '../../core/location.ts'
import type { Reference } from '../../core/references.ts'
import type { Locator } from './index.ts'
import { createLookup, createQuestions, createWords, type Finding } from './lookup.ts'
import { customerKey, type Memory } from './memory.ts'
import type { Moves } from './moves.ts'

/** How often the systems are asked for one entity that moves, or of which there is a word, meanwhile. */
const asksAtMost = 2

/** remembered: nobody was asked; shared: the question was under way already; the others: what the systems said. */
const createCounts = () => ({ remembered: 0, shared: 0, source: 0, target: 0, nowhere: 0, ambiguous: 0, unknown: 0 })
export type Counts = Readonly<ReturnType<typeof createCounts>>

const byNumber = (iCustomer: number): Reference => ({ kind: 'customer', keys: { i_customer: iCustomer } })

export function createFinder(app: FastifyInstance, restPrefix: string, memory: Memory, moves: Moves) {
  const askBoth = createLookup(app, restPrefix)
  const questions = createQuestions()
  const words = createWords()
  const counts = createCounts()

  async function inquire(key: string, reference: Reference, locator: Locator): Promise<Finding> {
    for (let asks = 1; ; asks++) {
      const begun = words.now()
      const askedAt = performance.now()
      const finding = await askBoth(key, reference, locator)
      counts[finding.at ?? 'nowhere']++
      const { iCustomer, looksMoving } = finding
      const isDoubtful = words.since(begun, iCustomer === null ? [key] : [key, customerKey(iCustomer)])
      if (asks < asksAtMost && (isDoubtful || looksMoving)) continue
      if (!isDoubtful) {
        await memory.remember(key, reference, finding)
        await moves.notice(reference, finding, askedAt)
      }
      // Only an operator can mend that: the calls for it are refused until then.
      if (finding.at === 'ambiguous') app.log.warn({ entity: key }, 'an entity is active on both systems')
      return finding
    }
  }

  async function lookUp(key: string, reference: Reference, locator: Locator): Promise<Location> {
    const { at, iCustomer } = await memory.recall(key)
    if (at !== undefined) return { at, certain: true }
    if (iCustomer !== undefined) {
      // All of a customer's accounts and names are one question.
      const location = await find(byNumber(iCustomer), locator)
      if (location.certain) return location
    }
    return inquire(key, reference, locator)
  }

  async function find(reference: Reference, locator: Locator): Promise<Location> {
    const key = memory.keyFor(reference)
    // Most calls end here: what is remembered is no question. Inside of one it is looked at again.
    const { at } = await memory.recall(key)
    if (at !== undefined) {
      counts.remembered++
      return { at, certain: true }
    }
    let isShared = true
    const location = await questions.ask(key, locator.session, () => {
      isShared = false
      return lookUp(key, reference, locator)
    })
    if (isShared) counts.shared++
    return location
  }

  /** The customers whose entity it is; null where nobody could tell. */
  async function findOwners(reference: Reference, locator: Locator): Promise<ReadonlySet<number> | null> {
    const key = memory.keyFor(reference)
    const { iCustomer } = await memory.recall(key)
    if (iCustomer !== undefined) return new Set([iCustomer])
    const { owners, isNowhere } = await inquire(key, reference, locator)
    return owners.length > 0 ? new Set(owners) : isNowhere ? new Set() : null
  }

  function note(keys: readonly string[] | null) {
    words.note(keys)
    questions.interrupt(keys)
  }

  return { find, findOwners, note, counts }
}
