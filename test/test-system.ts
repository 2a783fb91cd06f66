/**
 * A simulated system for tests. Its key for tokens is made once per process and role: to make one takes longer than all
 * else that a system needs to start.
 */
import { createSigningKey, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/index.ts'

const keys = new Map<string, ReturnType<typeof createSigningKey>>()

export async function startTestSystem(options: SimulatorOptions): Promise<Simulator> {
  const key = keys.get(options.role) ?? createSigningKey()
  keys.set(options.role, key)
  return startSimulator({ ...options, signingKey: await key })
}
