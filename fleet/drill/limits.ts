/**
 * What a drill must hold to, and whether it did.
 */
import type { ClientError } from '../../soak/errors.ts'
import { askedReason, type Ledger, wasUnderWay } from '../../soak/ledger.ts'
import type { Ending } from '../../soak/load/client.ts'
import type { Recorder } from '../../soak/recorder.ts'
import { type Limit, none } from '../../soak/verdicts.ts'
import type { DrillKill } from './acts.ts'
import { type DrillRun, phaseNames } from './phases.ts'
import { slowReason } from './weather.ts'

export interface Drilled {
  readonly run: DrillRun
  readonly ledger: Pick<Ledger, 'counts' | 'repeated' | 'excused'>
  readonly recorder: {
    readonly counts: Recorder['counts']
    readonly errors: Pick<Recorder['errors'], 'unforeseen' | 'rows'>
  }
  readonly moves: { readonly moves: number; readonly failedMoves: number }
}

/** By the API's own names, as in docker/haproxy.cfg. */
const isRead = (call: string) => /\/get_|\/ping$/.test(call)

const lostCommand: Ending = 'its WebSocket ended'

/** A process that is killed takes with it what was under way there, and nothing else. */
function killLimits(errors: readonly ClientError[], kill: DrillKill): Limit[] {
  const others = errors.filter((error) => !wasUnderWay(error, kill))
  // HAProxy counts a WebSocket, whose end is an error of its own, and not what was asked on it.
  const counted = errors.filter(({ cause }) => cause !== lostCommand)
  return [
    {
      name: 'errors when a gateway is killed, at most what was under way there',
      found: `${counted.length} of at most ${kill.underWay}`,
      isKept: counted.length <= kill.underWay
    },
    none('errors of what was not under way when it was killed', others.length)
  ]
}

function errorLimits({ run, recorder }: Drilled): Limit[] {
  const errorsIn = (name: string) => recorder.errors.unforeseen.filter(({ phase }) => phase === name)
  return run.phases.flatMap(({ name }) =>
    name === phaseNames.killed
      ? killLimits(errorsIn(name), run.kill)
      : [none(`errors that nothing foresees, ${name}`, errorsIn(name).length)]
  )
}

/** A machine that is busier lets a request wait for longer than Redis may take. */
const busyShare = 0.7

function slownessLimit({ run, recorder, ledger }: Drilled): Limit {
  const slow = recorder.errors.rows().filter(({ foreseen }) => foreseen === slowReason)
  const faults = slow.reduce((sum, row) => sum + row.count, 0)
  const asked = ledger.excused.get(askedReason) ?? 0
  const isBusy = run.phases.some((phase) => phase.busyShare > busyShare && phase.name !== phaseNames.logins)
  return {
    name: 'requests for which Redis was too slow, though it was well',
    found: `${faults} got a fault, ${asked} renewals were asked for twice`,
    isKept: faults === 0 || (isBusy ? 'the machine is too busy' : false)
  }
}

function surveyLimits({ survey: { singleHome, pairs } }: DrillRun): Limit[] {
  const moved = singleHome.ofMoved > 0 ? `, and ${singleHome.ofMoved} of customers who had moved` : ''
  return [
    {
      name: 'every session on one system works when Redis is back empty',
      found: `${singleHome.worked} of ${singleHome.used}${moved}`,
      isKept: singleHome.worked > 0 && singleHome.worked + singleHome.ofMoved === singleHome.used
    },
    {
      name: 'every session on both systems answers or has ended',
      found: `${pairs.worked} answered and ${pairs.ended} ended, of ${pairs.used}`,
      isKept: pairs.used > 0 && pairs.worked + pairs.ended === pairs.used
    }
  ]
}

/** What shows that the drill has drilled. */
function workLimits({ run, moves, recorder }: Drilled): Limit[] {
  const idle = run.phases.filter(({ requests }) => requests === 0)
  const away = run.phases.find(({ name }) => name === phaseNames.redisAway)
  const { logins = 0 } = away ?? {}
  return [
    {
      name: 'requests in every phase',
      found: idle.map(({ name }) => name).join(', ') || 'yes',
      isKept: idle.length === 0
    },
    { name: 'logins while Redis is away', found: String(logins), isKept: logins > 0 },
    {
      name: 'moves, each told to one gateway',
      found: `${moves.moves}, failed ${moves.failedMoves}`,
      isKept: moves.moves > 0 && moves.failedMoves === 0
    },
    { name: 'events on WebSockets', found: String(recorder.counts.events), isKept: recorder.counts.events > 0 }
  ]
}

export function drillLimits(drilled: Drilled): Limit[] {
  const { run, ledger, recorder } = drilled
  const { counts } = ledger
  const { wrongContents, wrongPages, lostEvents, doubledEvents } = recorder.counts
  const others = [...ledger.repeated.keys()].filter((call) => !isRead(call))
  return [
    none('wrong-system arrivals', counts['wrong system']),
    none('answers of a wrong system or customer', wrongContents),
    none('wrong merged pages', wrongPages),
    none('writes lost', counts.lost),
    none('writes doubled', counts.doubled),
    none('writes sent again that may have been carried out', counts['sent again']),
    none('arrivals too late to be judged', counts.stray),
    none('requests that were never answered, but for those on a killed process', counts.silent),
    none('events lost on WebSockets that stood', lostEvents),
    none('events and answers doubled on WebSockets', doubledEvents),
    { name: 'nothing but reads was sent again', found: others.join(', ') || 'yes', isKept: others.length === 0 },
    ...errorLimits(drilled),
    slownessLimit(drilled),
    ...surveyLimits(run),
    ...workLimits(drilled)
  ]
}
