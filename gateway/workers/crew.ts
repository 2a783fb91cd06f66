/**
 * All workers: started, replaced when they crash, exchanged for others with a new config, and stopped.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { lasting } from '../../plugins/metrics/merged.ts'
import type { Config } from '../config-schema.ts'
import type { Log } from '../log.ts'
import type { Reports, Subject } from '../ops/reports.ts'
import { createAccounts } from './accounts.ts'
import { countOf } from './count.ts'
import { createCrashes } from './crashes.ts'
import { type Member, type Place, type Plan, startMember } from './member.ts'

export interface Crew {
  /** Starts them all; rejects with why one cannot come up. The first goes alone: what stops it would stop all. */
  start(): Promise<Place>
  /** One by one: a worker with this config, then an old one less. Rejects with why a new one cannot come up. */
  roll(config: Config): Promise<void>
  /** Nobody is ready any more, and nobody replaced. */
  giveNotice(): void
  stop(): Promise<void>
  /** What the newest workers have. */
  config(): Config
  /** Resolves with why once workers crash again and again. */
  readonly given: Promise<string>
}

const planOf = (config: Config, generation: number): Plan => ({ config, generation, count: countOf(config.workers) })

export function createCrew(config: Config, log: Log): Crew {
  const members = new Set<Member>()
  const accounts = createAccounts()
  const crashes = createCrashes()
  const { promise: given, resolve: giveUp } = Promise.withResolvers<string>()
  let plan = planOf(config, 1)
  const stopping = new AbortController()
  const { signal } = stopping

  const working = () => [...members].filter(({ isLeaving }) => !isLeaving)

  /** Everybody's reports: also of those that leave, for what they still do counts. */
  async function answer(subject: Subject): Promise<readonly Reports[Subject][]> {
    const asked = [...members].filter(({ isUp }) => isUp)
    if (subject !== 'metrics') {
      return (await Promise.all(asked.map((member) => member.report(subject)))).filter((one) => one !== null)
    }
    // Before they are asked: one that ends meanwhile would be counted twice.
    const kept = accounts.shown()
    const reports = asked.map(async (member) => (await member.report(subject)) ?? lasting(member.counted))
    return [...(await Promise.all(reports)), ...kept]
  }

  /** `isAwaited`: whoever starts it sees by itself when it does not come up. */
  function begin(by: Plan, isAwaited: boolean): Member {
    const member = startMember(by, log, answer)
    let hasBeenUp = false
    members.add(member)
    void member.up.then(
      () => {
        hasBeenUp = true
        log.logger.info({ worker: member.pid, generation: by.generation }, 'a worker listens')
      },
      () => {}
    )
    void member.ended.then((why) => {
      members.delete(member)
      accounts.close(member.counted)
      if (!member.isLeaving && !signal.aborted && (hasBeenUp || !isAwaited)) replace(member, why)
    })
    return member
  }

  function replace({ pid }: Member, why: string) {
    const pauseMs = crashes.note(plan.count)
    log.logger.error({ worker: pid, why, pauseMs }, 'a worker has crashed')
    if (pauseMs === null) giveUp(`workers crash again and again, ${crashes.count} within 30 s; the last by: ${why}`)
    else delay(pauseMs, undefined, { signal }).then(fill, () => {})
  }

  function fill() {
    while (!signal.aborted && working().length < plan.count) {
      accounts.noteRestart('crash')
      begin(plan, false)
    }
  }

  async function roll(next: Config) {
    const to = planOf(next, plan.generation + 1)
    for (;;) {
      const old = working().filter(({ generation }) => generation < to.generation)
      const fresh = working().length - old.length
      if (signal.aborted || (old.length === 0 && fresh >= to.count)) return
      const [oldest] = old
      if (fresh < to.count) {
        await begin(to, true).up
        plan = to
        if (oldest !== undefined) accounts.noteRestart('roll')
      }
      if (oldest !== undefined && !signal.aborted) {
        oldest.leave('retire')
        await oldest.ended
      }
    }
  }

  return {
    given,
    config: () => plan.config,
    async roll(next) {
      await roll(next).catch((error) => {
        if (!signal.aborted) throw error
      })
    },
    async start() {
      const place = await begin(plan, true).up
      await Promise.all(Array.from({ length: plan.count - 1 }, () => begin(plan, true).up))
      return place
    },
    giveNotice() {
      stopping.abort()
      for (const member of members) {
        if (member.isUp) member.tell({ order: 'notice' })
        else member.kill()
      }
    },
    async stop() {
      stopping.abort()
      const all = [...members]
      for (const member of all) {
        if (member.isUp) member.leave('stop')
        else member.kill()
      }
      await Promise.all(all.map(({ ended }) => ended))
    }
  }
}
