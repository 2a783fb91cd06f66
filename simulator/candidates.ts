/**
 * Whoever a login names in a realm, before any secret is checked.
 */
import type { Data } from './data.ts'
import { accountUserOf, customerUserOf, mayLogIn, staffUserOf } from './people.ts'
import type { RealmName } from './realms.ts'
import type { Identity } from './sessions.ts'
import type { AccountRow, CustomerRow, World } from './world.ts'

export interface Candidate {
  identity: Identity
  secrets: { password: string; token: string }
  mayLogIn: boolean
  mustChange: boolean
}

const staffLogins = /^(admin|cc-staff|representative|reseller|distributor)(?:-(\d+))?$/
const nobody = { iCustomer: null, iAccount: null, iReseller: null, iEnv: 1 }

export function candidateOf(data: Data, realm: RealmName, login: string): Candidate | undefined {
  if (realm === 'customer') return customerCandidate(data.world, data.row('customers', 'login', login))
  if (realm === 'account') return accountCandidate(data.world, data.row('accounts', 'login', login))
  return staffCandidate(data.world, realm, login)
}

/** The customer or account that an admin enters without its password. */
export function enteredCandidate(data: Data, realm: 'customer' | 'account', id: number): Candidate | undefined {
  if (realm === 'customer') return customerCandidate(data.world, data.row('customers', 'i_customer', id))
  return accountCandidate(data.world, data.row('accounts', 'i_account', id))
}

function customerCandidate(world: World, row: CustomerRow | undefined): Candidate | undefined {
  if (row === undefined) return undefined
  const user = customerUserOf(world, row)
  const ids = { userId: row.i_customer, iCustomer: row.i_customer, iEnv: row.i_env }
  return {
    identity: { ...nobody, realm: 'customer', login: user.login, ...ids },
    secrets: user,
    mayLogIn: mayLogIn(row),
    mustChange: user.mustChangePassword
  }
}

function accountCandidate(world: World, row: AccountRow | undefined): Candidate | undefined {
  if (row === undefined) return undefined
  const user = accountUserOf(world, row)
  const ids = { userId: row.i_account, iCustomer: row.i_customer, iAccount: row.i_account }
  return {
    identity: { ...nobody, realm: 'account', login: user.login, ...ids },
    secrets: user,
    mayLogIn: mayLogIn(row),
    mustChange: false
  }
}

function staffCandidate(world: World, realm: RealmName, login: string): Candidate | undefined {
  const match = staffLogins.exec(login)
  const kind = match?.[1]
  if (kind === undefined || kind.replace('-', '_') !== realm) return undefined
  const i = Number(match?.[2] ?? 1)
  const secrets = staffUserOf(world, kind, i)
  if (secrets.login !== login || !isSeeded(world, kind, i)) return undefined
  const iReseller = kind === 'reseller' ? i : null
  return { identity: { ...nobody, realm, login, userId: i, iReseller }, secrets, mayLogIn: true, mustChange: false }
}

/** The first of each kind exists however small the world is. */
function isSeeded({ customers }: World, kind: string, i: number): boolean {
  if (kind === 'reseller') return i % 100 === 10 && (i === 10 || i <= customers)
  return kind === 'distributor' ? i % 100 === 20 && (i === 20 || i <= customers) : i === 1
}
