/**
 * The seeded world as pure functions of a seed and a number: the same on both systems, whenever they start.
 * Who is a reseller, who is suspended, whose sort key is NULL: every rule about that is here.
 */
export interface WorldOptions {
  seed: number
  customers: number
  accounts: number
}

export interface CustomerRow {
  i_customer: number
  name: string
  login: string | null
  refnum: string | null
  companyname: string | null
  firstname: string | null
  lastname: string | null
  i_parent: number | null
  i_customer_type: number
  i_office_type: number
  i_main_customer: number | null
  iso_4217: string
  i_env: number
  balance: string
  bill_status: string
  blocked: string
  must_change: number
  creation_date: string
  password: string | null
  extra: string | null
}

export interface AccountRow {
  i_account: number
  id: string
  login: string | null
  i_customer: number
  i_master_account: number | null
  firstname: string | null
  lastname: string | null
  balance: string
  bill_status: string
  blocked: string
  activation_date: string
  password: string | null
  extra: string | null
}

/** The world's present, fixed so that two systems started at different times agree about "the current period". */
export const worldNow = '2026-06-15 12:00:00'
export const billingPeriodStart = '2026-06-01 00:00:00'
/** Each system hands out ids for new entities from its own range, so that creations on both never collide. */
export const targetIdsFrom = 50_000_000

export const resellerOf = (index: number) => 10 + 100 * index
const words = [
  'acme',
  'Öresund',
  'Zebra',
  'ångström',
  'ACME',
  'Łódź',
  'delta',
  'Éclair',
  'Omega',
  'kyiv',
  'Ähre',
  'Nimbus'
]
const firstnames = ['Anna', 'björn', 'Chloé', null, 'Dmytro', 'EVA', 'Łukasz', 'marie', 'Anna', '']
const lastnames = [
  'Smith',
  'smith',
  'Müller',
  null,
  "O'Neil",
  'Ñuñez',
  'SMITH',
  'Kowalska',
  'van Dyke',
  'Zhuk',
  'Ørsted'
]
const currencies = ['USD', 'EUR', 'USD', 'GBP', 'UAH']

export type World = ReturnType<typeof createWorld>

export function createWorld({ seed, customers, accounts }: WorldOptions) {
  const hash = (salt: number, i: number) => mix(mix(seed ^ Math.imul(salt, 0x9e3779b1)) ^ i)
  const pick = <T>(list: readonly T[], salt: number, i: number) => list[hash(salt, i) % list.length] as T
  const secretOf = (kind: string, i: number) => {
    const salt = [...kind].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) | 0
    return `${hash(salt, i).toString(36)}-${hash(salt + 1, i).toString(36)}`
  }

  function parentOf(i: number): number | null {
    if (i % 40 !== 9) return null
    const resellers = Math.floor((customers - 10) / 100) + 1
    if (resellers < 1) return null
    // Half of them share the first reseller, so that its lists are worth paging even in a small world.
    return resellerOf(hash(1, i) % 2 === 0 || customers < 200 ? 0 : hash(2, i) % resellers)
  }

  function balanceOf(salt: number, i: number): string {
    const raw = hash(salt, i)
    const whole = (raw >>> 8) % 400
    if (raw % 7 === 0) return '0.00'
    if (raw % 7 === 1) return `-${whole}.${String(raw % 100_000).padStart(5, '0')}`
    return `${raw % 7 === 2 ? '-' : ''}${whole}.${raw % 10}0`
  }

  function statusOf(i: number): string {
    if (i % 25 === 7) return 'S'
    return i % 50 === 22 ? 'C' : 'O'
  }

  return {
    customers,
    accounts,
    /** Every twentieth account has an alias, whose id follows the last real account's. */
    aliases: Math.floor(accounts / 20),
    hash,
    secretOf,
    /** Of a customer whose address nobody has written; every fifth has none. */
    emailOf: (iCustomer: number) => (hash(30, iCustomer) % 5 === 0 ? '' : `billing-${iCustomer}@customers.example`),
    resellers: customers < 10 ? 0 : Math.floor((customers - 10) / 100) + 1,

    customer(i: number): CustomerRow {
      const kind = i % 100 === 10 ? 2 : i % 100 === 20 ? 3 : 1
      const office = kind === 1 && i % 30 === 4 ? 3 : kind === 1 && i % 30 === 5 ? 2 : 1
      const word = pick(words, 3, i)
      return {
        i_customer: i,
        name: `${word} ${i}`,
        login: `customer-${i}`,
        refnum: i % 4 === 0 ? null : `R-${i}`,
        companyname: i % 6 === 0 ? null : i % 6 === 1 ? '' : `${pick(words, 4, i)} Ltd`,
        firstname: pick(firstnames, 5, i),
        lastname: pick(lastnames, 6, i),
        i_parent: kind === 1 ? parentOf(i) : null,
        i_customer_type: kind,
        i_office_type: office,
        i_main_customer: office === 2 ? i - 1 : null,
        iso_4217: pick(currencies, 7, i),
        i_env: i % 10 === 7 ? 2 : 1,
        balance: i === 1 ? '1.10' : i === 3 ? '-23.61693' : balanceOf(8, i),
        bill_status: statusOf(i),
        blocked: i % 35 === 8 ? 'Y' : 'N',
        must_change: i % 50 === 11 || i % 60 === 12 ? 1 : 0,
        creation_date: dateOf(hash(9, i)),
        password: null,
        extra: null
      }
    },

    account(i: number): AccountRow {
      const isAlias = i > accounts
      const master = isAlias ? (i - accounts) * 20 : i
      return {
        i_account: i,
        id: `${isAlias ? 'alias' : '1555'}${String(i).padStart(7, '0')}`,
        login: isAlias || i % 9 === 5 ? null : `account-${i}`,
        i_customer: ownerOf(master, customers),
        i_master_account: isAlias ? master : null,
        firstname: pick(firstnames, 10, i),
        lastname: pick(lastnames, 11, i),
        balance: balanceOf(12, i),
        bill_status: i % 45 === 14 ? 'C' : 'O',
        blocked: i % 50 === 16 ? 'Y' : 'N',
        activation_date: dateOf(hash(13, i)).slice(0, 10),
        password: null,
        extra: null
      }
    }
  }
}

/** Accounts go round robin, but customers 3 and 4 get up to 800 more each: pages inside one customer must be worth it. */
function ownerOf(i: number, customers: number): number {
  if (i > customers && i % 10 === 0 && i <= 16_000) return Math.min((i / 10) % 2 === 0 ? 4 : 3, customers)
  return ((i - 1) % customers) + 1
}

function dateOf(hash: number): string {
  const date = new Date(Date.UTC(2019, 0, 1) + (hash % 220_000_000) * 1000)
  return date.toISOString().slice(0, 19).replace('T', ' ')
}

/** A full-avalanche 32-bit mix; the constants are those of MurmurHash3's finaliser. */
function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
