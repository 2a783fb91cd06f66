/**
 * Sends one request as somebody, with its number, and tells the books how it ended.
 */
import { idHeader } from '../arrivals.ts'
import type { Actor } from './actors.ts'
import type { Books, Question, Told } from './books.ts'
import type { Client, Leaving, Outgoing } from './client.ts'

export interface Asking extends Question {
  readonly outgoing: Outgoing
  readonly leaving?: Leaving | null
}

export interface SpeakerOptions {
  readonly client: () => Client
  readonly books: Books
}

export type Speaker = ReturnType<typeof createSpeaker>

export function createSpeaker({ client, books }: SpeakerOptions) {
  return async function speak(actor: Actor, asking: Asking): Promise<Told> {
    const { outgoing, leaving = null } = asking
    const { id, end } = books.begin(actor, asking)
    const headers = { ...outgoing.headers, [idHeader]: String(id) }
    return end(await client().send({ ...outgoing, headers }, leaving))
  }
}
