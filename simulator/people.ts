/**
 * The people of the seeded world with what they log in with.
 */
import type { AccountRow, CustomerRow, World } from './world.ts'

export interface StaffUser {
  login: string
  password: string
  /** The API token that logs in instead of the password. */
  token: string
}

export interface CustomerUser {
  i_customer: number
  name: string
  login: string
  password: string
  token: string
  /** Open here, allowed to log in, and with nothing in the way such as a password to change. */
  active: boolean
  bill_status: string
  mustChangePassword: boolean
}

export interface AccountUser {
  i_account: number
  id: string
  login: string
  password: string
  token: string
  i_customer: number
  active: boolean
}

export function staffUserOf(world: World, kind: string, i: number): StaffUser {
  const login = kind === 'admin' ? 'admin' : `${kind}-${i}`
  return { login, password: world.secretOf(kind, i), token: world.secretOf(`${kind} token`, i) }
}

export function customerUserOf(world: World, row: CustomerRow): CustomerUser {
  const mustChangePassword = row.must_change === 1
  return {
    i_customer: row.i_customer,
    name: row.name,
    login: row.login ?? '',
    password: row.password ?? world.secretOf('customer', row.i_customer),
    token: world.secretOf('customer token', row.i_customer),
    active: row.bill_status === 'O' && mayLogIn(row) && !mustChangePassword,
    bill_status: row.bill_status,
    mustChangePassword
  }
}

export function accountUserOf(world: World, row: AccountRow): AccountUser {
  return {
    i_account: row.i_account,
    id: row.id,
    login: row.login ?? '',
    password: row.password ?? world.secretOf('account', row.i_account),
    token: world.secretOf('account token', row.i_account),
    i_customer: row.i_customer,
    active: mayLogIn(row)
  }
}

/** The suspended still see their self-care; closed, exported and blocked ones do not. */
export function mayLogIn({ login, blocked, bill_status }: CustomerRow | AccountRow): boolean {
  return login !== null && blocked === 'N' && (bill_status === 'O' || bill_status === 'S')
}
