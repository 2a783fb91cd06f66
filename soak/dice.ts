/**
 * Chance that can be repeated: the same seed gives the same load, faults and moves. Each purpose has dice of its own, so
 * that one more throw of one does not change the others'.
 */
export interface Dice {
  /** From 0 to below 1. */
  next(): number
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** By weight, which comes first. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T
  shuffled<T>(list: readonly T[]): T[]
}

export function createDice(seed: number, purpose: string): Dice {
  let state = [...purpose].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed) | 0

  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  function weighted<T>(choices: readonly (readonly [number, T])[]): T {
    let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, choice] of choices) {
      left -= weight
      if (left < 0) return choice
    }
    return (choices.at(-1) as readonly [number, T])[1]
  }

  return {
    next,
    between: (least, most) => least + next() * (most - least),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)] as (typeof list)[number],
    weighted,
    shuffled: (list) => {
      const left = [...list]
      return Array.from(list, () => left.splice(Math.floor(next() * left.length), 1)[0] as (typeof list)[number])
    }
  }
}
