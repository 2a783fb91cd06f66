/**
 * What a soak runs on: the two systems' process and the gateway's, and what can be asked of them.
 */
import { type Child, createCrew } from '../bench/children.ts'
import type { Footprint } from './gateway.ts'
import type { Commands } from './systems.ts'

type Args<Name extends keyof Commands> = Parameters<Commands[Name]> extends [infer One] ? [One] : []
type Result<Name extends keyof Commands> = Awaited<ReturnType<Commands[Name]>>

/** Asks the systems one command after the other, in the order in which they were called for. */
export function createCommander(child: Pick<Child, 'ask'>) {
  let last: Promise<unknown> = Promise.resolve()

  return function command<Name extends keyof Commands>(name: Name, ...args: Args<Name>): Promise<Result<Name>> {
    const question = JSON.stringify(Object.assign({}, ...args, { name }))
    const asked = last.then(async () => {
      const answer = (await child.ask(question)) as { value: Result<Name> } | { error: string }
      if ('error' in answer) throw new Error(`${name}: ${answer.error}`)
      return answer.value
    })
    last = asked.catch(() => {})
    return asked as Promise<Result<Name>>
  }
}

export type Command = ReturnType<typeof createCommander>
export type About = Result<'about'>

interface StageOptions {
  readonly customers: number
  readonly seed: number
  readonly idleMs: number
}

export async function openStage({ customers, seed, idleMs }: StageOptions) {
  const crew = createCrew()
  try {
    const flags = Object.entries({ customers, seed, idleMs }).map(([name, value]) => `--${name}=${value}`)
    const systems = await crew.start('../soak/systems.ts', flags)
    const gateway = await crew.start('../soak/gateway.ts', [JSON.stringify(systems.ports)])
    const command = createCommander(systems)
    return {
      command,
      about: await command('about'),
      origin: `http://127.0.0.1:${gateway.ports.http}`,
      migrations: `http://127.0.0.1:${gateway.ports.ops}/migrations`,
      /** The gateway's footprint as it is, and once its garbage is collected. */
      footprint: () => gateway.ask('footprint') as Promise<Footprint>,
      idleFootprint: () => gateway.ask('idle') as Promise<Footprint>,
      cpuMicroseconds: async () => (await gateway.usage()).cpuMicroseconds,
      residentBytes: async () => (await gateway.usage()).residentBytes,
      close: () => crew.dismiss()
    }
  } catch (error) {
    await crew.dismiss()
    throw error
  }
}

export type Stage = Awaited<ReturnType<typeof openStage>>
