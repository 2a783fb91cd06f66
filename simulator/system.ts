/**
 * What the parts of one simulated system know of each other.
 */
import type { Data } from './data.ts'
import type { JsonObject } from './exact-json.ts'
import type { Faults } from './faults.ts'
import type { Journal } from './journal.ts'
import type { Lockout } from './lockout.ts'
import type { UploadedFile } from './multipart.ts'
import type { RealmName } from './realms.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Sockets } from './sockets.ts'
import type { Users } from './users.ts'

/** `reserve_down`: the site's reserve database is unreachable, so every call fails. */
export type OperatingMode = 'normal' | 'secondary' | 'standalone' | 'read_only' | 'reserve_down'

export interface System {
  readonly release: string
  readonly role: 'source' | 'target'
  readonly data: Data
  readonly users: Users
  readonly sessions: Sessions
  readonly sockets: Sockets
  readonly lockout: Lockout
  readonly journal: Journal
  readonly faults: Faults
  readonly cookieDomain: string | null
  /** Numbers voice messages, calls and the like made since the start. */
  nextNumber(): number
  mode: OperatingMode
}

/** One API call with everything that its method may look at. */
export interface Call {
  readonly system: System
  readonly realm: RealmName
  /** `Service/method`. */
  readonly name: string
  readonly params: JsonObject
  readonly files: readonly UploadedFile[]
  readonly session: Session
}
