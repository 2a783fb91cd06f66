/**
 * What the systems have at the end: each note is read past the gateways, on both.
 */
import { type System, systemNames } from '../core/words.ts'
import { type Client, createClient } from '../soak/load/client.ts'
import { sayAnonymously } from '../soak/load/forms.ts'
import type { Holding } from './book.ts'
import { login } from './writes.ts'

export interface SurveyOptions {
  /** By `system.realm`. */
  readonly ports: Readonly<Record<string, number>>
  readonly admin: { readonly login: string; readonly password: string }
  /** Such as `customer:7`. */
  readonly holders: readonly string[]
}

const atOnce = 8

interface Reader {
  readonly system: System
  readonly client: Client
  readonly token: string
}

async function openReader(system: System, { ports, admin }: SurveyOptions): Promise<Reader> {
  const client = createClient(`http://127.0.0.1:${ports[`${system}.admin`]}`)
  const { status, text } = await client.send(login('admin', admin), null)
  if (status !== 200) throw new Error(`the ${system} does not let its administrator in`)
  return { system, client, token: String((JSON.parse(text) as Record<string, unknown>).access_token) }
}

/** The note; null where its holder is not active. */
async function noteOn({ system, client, token }: Reader, holder: string): Promise<string | null> {
  const [kind = '', id] = holder.split(':')
  const call = kind === 'customer' ? 'Customer/get_customer_info' : 'Account/get_account_info'
  const asked = sayAnonymously(
    { realm: 'admin', call, params: { [`i_${kind}`]: Number(id) } },
    { authorization: `Bearer ${token}` }
  )
  const { status, text } = await client.send(asked, null)
  if (status !== 200 && status !== 500) throw new Error(`the ${system} gives no ${holder}: ${status}`)
  const record = (JSON.parse(text) as Record<string, Record<string, unknown> | undefined>)[`${kind}_info`]
  return record === undefined || record.bill_status === 'E' ? null : String(record.note ?? '')
}

export async function surveyNotes(options: SurveyOptions): Promise<ReadonlyMap<string, Holding>> {
  const readers = await Promise.all(systemNames.map((system) => openReader(system, options)))
  const found = new Map<string, Holding>()
  const left = [...options.holders]
  async function next() {
    for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
      const holding: Partial<Record<System, string>> = {}
      for (const reader of readers) {
        const note = await noteOn(reader, holder)
        if (note !== null) holding[reader.system] = note
      }
      found.set(holder, holding)
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, next))
    return found
  } finally {
    await Promise.all(readers.map(({ client }) => client.close()))
  }
}
