/**
 * A process's link to Redis: whichever line there is, what is heard on it, and what is known of the store as a whole.
 */
import type { Hearing } from '../backend.ts'
import type { RedisPlace } from '../place.ts'
import { type Command, type Line, within } from './client.ts'
import { createKeeper } from './keeper.ts'
import { openLine } from './line.ts'
import { createMessages, type Message } from './messages.ts'
import { createNames } from './names.ts'
import { createState } from './state.ts'

/** So that nothing waits for ever for a server that hangs. */
const commandMs = 1000

const deaf: Hearing = { onChanged() {}, onTold() {}, onHears() {}, onLost() {} }

export type Link = ReturnType<typeof createLink>

export function createLink(place: RedisPlace, onTrouble: (error: Error) => void) {
  const names = createNames(place)
  const messages = createMessages()
  let hearing = deaf
  const state = createState(names, () => hearing)
  const written = (message: Message) => () => messages.write(message)

  const keeper = createKeeper({
    openLine: () => openLine({ place, channel: names.channel, onMessage, onTrouble }),
    async welcome(line) {
      messages.forgetAll()
      await within(commandMs, state.look(line))
    },
    async beat(line) {
      messages.forgetSilent()
      await within(commandMs, Promise.all([line.publish(names.channel, written({ kind: 'beat' })), state.look(line)]))
    },
    onOpen: (isOpen) => hearing.onHears(isOpen),
    onTrouble
  })

  function onMessage(text: string) {
    const heard = messages.read(text)
    if (heard === null) return
    if (!heard.isOwn) {
      if (heard.hasGap) hearing.onHears(true)
      pass(heard.message)
    } else if (heard.message.kind === 'beat') keeper.heardOwn()
  }

  function pass(message: Message) {
    if (message.kind === 'beat') return
    if (message.kind === 'told') return hearing.onTold(message.purpose, message.text)
    if (message.kind === 'changed') return hearing.onChanged(message.purpose, message.keys)
    state.learn(message.purpose, message.generation)
    hearing.onChanged(message.purpose, null)
  }

  /** What a line does, within bounds. A server that became a replica is left. */
  async function ask<Result>(work: (line: Line) => Promise<Result>): Promise<Result> {
    const line = keeper.line()
    try {
      return await within(commandMs, work(line))
    } catch (error) {
      if (/^READONLY/.test((error as Error).message)) line.end(error as Error)
      throw error
    }
  }

  return {
    names,
    state,
    ask,
    line: keeper.line,
    send: (command: Command) => ask((line) => line.send(command)),
    tell: (message: Message) => ask((line) => line.publish(names.channel, written(message))),
    /** All of it or nothing, and then the message. */
    write: (commands: readonly Command[], message: Message) =>
      ask((line) => line.write(commands, names.channel, written(message))),
    open(given: Hearing) {
      hearing = given
      return keeper.start()
    },
    async close() {
      hearing = deaf
      await keeper.close()
    }
  }
}
