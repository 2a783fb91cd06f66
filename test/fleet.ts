/**
 * Two gateways before the same systems, with one store.
 */
import type { TestContext } from 'node:test'
import { startWorld, type World } from './build.ts'
import { restarted } from './dual.ts'

export interface Pair {
  readonly one: World
  readonly other: World
}

/** `overrides` replaces keys of both configs. */
export async function startTwo(
  t: Pick<TestContext, 'after'>,
  store: string,
  overrides: Record<string, unknown> = {}
): Promise<Pair> {
  const one = await startWorld(t, { store, ...overrides })
  return { one, other: await restarted(t, one, { store, ...overrides }) }
}

/** How often a gateway has asked its store. */
export const readsOf = ({ app }: World): number => app.storeState.done.read + app.storeState.failed.read
