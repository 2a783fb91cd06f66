/**
 * A process of the store's backends, as tests see it: a backend with everything that it has heard.
 */
import type { TestContext } from 'node:test'
import type { Backend, Hearing } from '../../../plugins/store/backend.ts'
import { until } from '../../until.ts'

export interface Process {
  readonly backend: Backend
  /** Everything that was heard, a line each, such as `changed records a,b`. */
  readonly heard: string[]
  /** When each line was heard. */
  readonly heardAt: number[]
  /** Waits for a line that comes after this many others; gives how many there are then. */
  hears(line: string, after?: number): Promise<number>
}

export async function openProcess(t: Pick<TestContext, 'after'>, backend: Backend): Promise<Process> {
  const heard: string[] = []
  const heardAt: number[] = []
  const note = (line: string) => {
    heard.push(line)
    heardAt.push(performance.now())
  }
  const hearing: Hearing = {
    onChanged: (purpose, keys) => note(`changed ${purpose} ${keys?.join(',') ?? '*'}`),
    onTold: (purpose, text) => note(`told ${purpose} ${text}`),
    onHears: (hears) => note(`hears ${hears}`),
    onLost: () => note('lost')
  }
  t.after(() => backend.close())
  await backend.open(hearing)
  return {
    backend,
    heard,
    heardAt,
    async hears(line, after = 0) {
      await until(() => heard.includes(line, after))
      return heard.indexOf(line, after) + 1
    }
  }
}
