/**
 * The mixes: who does what, how often, in which of the wire forms.
 */
import type { Dice } from '../dice.ts'
import type { Actor, Cast, Session } from './actors.ts'
import type { Form } from './forms.ts'
import type { MakeAsking, peopleCalls } from './people.ts'
import type { Sessions } from './sessions.ts'
import type { Speaker } from './speaker.ts'
import type { staffCalls } from './staff.ts'
import { strangersCall } from './strangers.ts'

export interface MixOptions {
  readonly cast: Cast
  readonly people: ReturnType<typeof peopleCalls>
  /** Their calls about everybody, and about settled customers alone. */
  readonly staff: ReturnType<typeof staffCalls>
  readonly steadyStaff: ReturnType<typeof staffCalls>
  readonly sessions: Sessions
  readonly speak: Speaker
  /** A turn of somebody with a WebSocket. */
  readonly talk: Turn
  readonly dice: Dice
}

/** What somebody does next; null where there is nothing to do now. */
export type Turn = () => Promise<unknown> | null
export type Turns = readonly (readonly [weight: number, turn: Turn])[]

const forms: readonly (readonly [number, Form])[] = [
  [50, 'bearer'],
  [16, 'session id'],
  [10, 'form'],
  [7, 'multipart'],
  [7, 'path'],
  [10, 'cookie']
]

/** Of staff: whoever works on with half a session sees half of the customers, and so does the ledger. */
export const isHalf = ({ isPair, shakenAt }: Session) => isPair && shakenAt !== Infinity
const givesUpHalf = 0.3

type Act = (actor: Actor, session: Session) => Promise<unknown> | null

function createTurns({ sessions, speak, dice }: Pick<MixOptions, 'sessions' | 'speak' | 'dice'>) {
  /** Whoever has no session opens one instead of what was meant. */
  const asActor =
    (actors: readonly Actor[], act: Act): Turn =>
    () => {
      const actor = dice.pick(actors)
      const { session } = actor
      if (session === null) return actor.isLoggingIn ? null : sessions.login(actor)
      const isLeaving = isHalf(session) && actor.inFlight === 0 && dice.chance(givesUpHalf)
      return isLeaving ? sessions.logout(actor, session, 'bearer') : act(actor, session)
    }

  return {
    asking: (actors: readonly Actor[], make: MakeAsking): Turn =>
      asActor(actors, (actor, session) => speak(actor, make(actor, session, dice, dice.weighted(forms)))),
    askingPlainly: (actors: readonly Actor[], make: MakeAsking): Turn =>
      asActor(actors, (actor, session) => speak(actor, make(actor, session, dice, 'bearer'))),
    /** Only who has nothing else under way: the gateway forgets a session at its end. */
    ending: (actors: readonly Actor[]): Turn =>
      asActor(actors, (actor, session) =>
        actor.inFlight > 0 ? null : sessions.logout(actor, session, dice.weighted(forms))
      ),
    renewing: (actors: readonly Actor[]): Turn => asActor(actors, sessions.refresh)
  }
}

const isAdmin = ({ realm }: Actor) => realm === 'admin'
const isFree = ({ pins }: Actor) => pins === null

/** Everything that clients do. */
export function fullMix(options: MixOptions): Turns {
  const { cast, people, staff, speak, talk, dice } = options
  const { asking, ending, renewing } = createTurns(options)
  const everybody = [...cast.settled, ...cast.moving]
  const admins = cast.staff.filter(isAdmin)
  const asStranger: Turn = () => {
    const { realm, asking: asked } = strangersCall(dice, dice.weighted(forms))
    return speak({ ...(cast.staff[0] as Actor), realm, session: null }, asked)
  }
  return [
    [20, asking(everybody, people.readOwn)],
    [4, asking(everybody, people.readRelease)],
    [4, asking(everybody, people.readList)],
    [14, asking(everybody, people.writeOwn)],
    [4, asking(everybody, people.writeOther)],
    [1, asking(everybody, people.writePlain)],
    [3, asking(everybody, people.ping)],
    [2, asking(everybody, people.readPage)],
    [1.5, asking(everybody, people.uploadFile)],
    [2, asking(everybody, people.leaveRead)],
    [2, asking(everybody, people.leaveWrite)],
    [2, renewing(everybody)],
    [2, ending(everybody)],
    [6, asking(cast.moving, people.readOwn)],
    [8, asking(admins, staff.readCustomer)],
    [4, asking(admins, staff.readAccount)],
    [8, asking(admins, staff.write)],
    [0.3, asking(admins, staff.create)],
    [2, asking(cast.staff, staff.readPlain)],
    [
      2,
      asking(
        admins.filter(({ pins }) => pins === null),
        staff.readInContext
      )
    ],
    [3, asking(cast.staff, staff.listCustomers)],
    [2, asking(cast.staff, staff.listOthers)],
    [0.6, renewing(cast.staff)],
    [0.4, ending(cast.staff)],
    [10, talk],
    [2.5, asStranger]
  ]
}

/**
 * What latencies are compared by: established people's reads and writes. Drawn up anew for each run, since who lives where
 * shows only in their sessions.
 */
export function steadyMix(options: MixOptions): Turns {
  const { cast, people, steadyStaff } = options
  const { askingPlainly } = createTurns(options)
  const [targets, sources] = (['target', 'source'] as const).map((system) =>
    cast.settled.filter(({ session }) => session?.lives === system)
  ) as [Actor[], Actor[]]
  const admins = cast.staff.filter((actor) => isAdmin(actor) && isFree(actor))
  return [
    [40, askingPlainly(targets, people.readOwn)],
    [10, askingPlainly(targets, people.readRelease)],
    [20, askingPlainly(targets, people.writeOwn)],
    [16, askingPlainly(sources, people.readOwn)],
    [8, askingPlainly(sources, people.writeOwn)],
    [4, askingPlainly(admins, steadyStaff.readCustomer)],
    [2, askingPlainly(admins, steadyStaff.write)]
  ]
}
