/**
 * Every live session is used once: what became of it when what the gateways share was lost.
 */

import type { Dice } from '../../soak/dice.ts'
import type { Actor, Session } from '../../soak/load/actors.ts'
import type { Asking } from '../../soak/load/speaker.ts'
import { awayReason, slowReason } from './weather.ts'
import type { DrillWorld } from './world.ts'

export interface Survey {
  singleHome: { used: number; worked: number; ofMoved: number }
  pairs: { used: number; worked: number; ended: number }
}

type Kind = 'worked' | 'foreseen' | 'wrong'

const atOnce = 8

/** What shows whether a pair is whole: a list out of both systems, or a customer of either. */
function askingOf({ people, staff }: DrillWorld, actor: Actor, session: Session, dice: Dice): Asking {
  if (actor.customer !== null) return people.readOwn(actor, session, dice, 'bearer')
  if (session.context !== null) return staff.readPlain(actor, session, dice, 'bearer')
  if (actor.realm !== 'admin') return staff.listOthers(actor, session, dice, 'bearer')
  return dice.pick([staff.listCustomers, staff.readCustomer])(actor, session, dice, 'bearer')
}

export async function surveySessions(
  world: DrillWorld,
  dice: Dice,
  pause: (ms: number) => Promise<void>
): Promise<Survey> {
  const { cast, speak, reasonFor } = world
  const survey: Survey = { singleHome: { used: 0, worked: 0, ofMoved: 0 }, pairs: { used: 0, worked: 0, ended: 0 } }

  function note(actor: Actor, kind: Kind) {
    const isStaff = actor.customer === null
    const group = isStaff ? survey.pairs : survey.singleHome
    group.used++
    if (kind === 'worked') group.worked++
    if (kind !== 'foreseen') return
    if (isStaff) survey.pairs.ended++
    else survey.singleHome.ofMoved++
  }

  /** Who is told to come again, comes again. */
  async function use(actor: Actor, session: Session): Promise<void> {
    const asking = askingOf(world, actor, session, dice)
    const told = await speak(actor, asking)
    const reason = reasonFor(actor, session, asking, told)
    if (reason === awayReason || reason === slowReason) {
      await pause(Number(told.headers['retry-after'] ?? 1) * 1000)
      return use(actor, session)
    }
    const isWorking = told.ending === 'answered' && told.status === 200
    note(actor, isWorking ? 'worked' : reason === null ? 'wrong' : 'foreseen')
  }

  const everybody = [...cast.settled, ...cast.moving, ...cast.staff, ...cast.listening]
  const waiting = everybody.flatMap((actor) => (actor.session === null ? [] : [[actor, actor.session] as const]))
  async function useNext() {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await use(...next)
  }
  await Promise.all(Array.from({ length: atOnce }, useNext))
  return survey
}
