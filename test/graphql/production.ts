/**
 * A gateway as production has it.
 */
import type { startWorld } from '../build.ts'
import { type GraphqlWorld, startGraphqlWorld } from './client.ts'

/** The variable is looked at while the gateway starts, and at no other time. */
export async function startInProduction(
  t: Parameters<typeof startWorld>[0],
  overrides: Record<string, unknown> = {}
): Promise<GraphqlWorld> {
  const { NODE_ENV: before } = process.env
  process.env.NODE_ENV = 'production'
  try {
    return await startGraphqlWorld(t, overrides)
  } finally {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  }
}
