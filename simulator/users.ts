/**
 * Lookups of people by number, for tests and the demonstration.
 */
import type { Data } from './data.ts'
import {
  type AccountUser,
  accountUserOf,
  type CustomerUser,
  customerUserOf,
  type StaffUser,
  staffUserOf
} from './people.ts'
import { type AccountRow, type CustomerRow, resellerOf } from './world.ts'

const canLogIn = "bill_status = 'O' AND blocked = 'N' AND login IS NOT NULL AND i_customer_type = 1"

export class Users {
  readonly #data: Data

  constructor(data: Data) {
    this.#data = data
  }

  /** The customer as this system has it; undefined where it does not exist. */
  customer(i: number): CustomerUser | undefined {
    const row = this.#data.row('customers', 'i_customer', i)
    return row && customerUserOf(this.#data.world, row)
  }

  account(i: number): AccountUser | undefined {
    const row = this.#data.row('accounts', 'i_account', i)
    return row && accountUserOf(this.#data.world, row)
  }

  admin(): StaffUser {
    return staffUserOf(this.#data.world, 'admin', 1)
  }

  /** Resellers are customers of their own: 10, 110, 210 and so on. */
  reseller(index = 0): StaffUser {
    return staffUserOf(this.#data.world, 'reseller', resellerOf(index))
  }

  ccStaff(): StaffUser {
    return staffUserOf(this.#data.world, 'cc-staff', 1)
  }

  distributor(): StaffUser {
    return staffUserOf(this.#data.world, 'distributor', 20)
  }

  representative(): StaffUser {
    return staffUserOf(this.#data.world, 'representative', 1)
  }

  firstActiveCustomer(): CustomerUser {
    return existing(this.activeCustomers(1)[0])
  }

  activeCustomers(count: number): CustomerUser[] {
    return this.#customers('must_change = 0', count)
  }

  mustChangeCustomer(): CustomerUser {
    return existing(this.#customers('must_change = 1', 1)[0])
  }

  firstActiveAccount(iCustomer?: number): AccountUser {
    const sql = `SELECT a.* FROM accounts a JOIN customers c USING (i_customer) WHERE a.bill_status = 'O'
      AND a.blocked = 'N' AND a.login IS NOT NULL AND c.bill_status = 'O' AND c.blocked = 'N'
      AND (?1 IS NULL OR a.i_customer = ?1) ORDER BY a.i_account LIMIT 1`
    return accountUserOf(this.#data.world, existing(this.#data.get<AccountRow>(sql, iCustomer ?? null)))
  }

  #customers(condition: string, count: number): CustomerUser[] {
    const sql = `SELECT * FROM customers WHERE ${canLogIn} AND ${condition} ORDER BY i_customer LIMIT ?`
    return this.#data.all<CustomerRow>(sql, count).map((row) => customerUserOf(this.#data.world, row))
  }
}

function existing<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('nobody like that lives on this system: the seeded world is too small')
  return found
}
