/**
 * One system's rows in SQLite: only what lists sort and filter by is a column, the rest of a wide record is derived
 * (records.ts) or kept as overrides in `extra`. A million customers stay a few hundred megabytes.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type JsonObject, parseJson, textOf } from './exact-json.ts'
import {
  type AccountRow,
  type CustomerRow,
  createWorld,
  targetIdsFrom,
  type World,
  type WorldOptions
} from './world.ts'

export interface DataOptions extends WorldOptions {
  role: 'source' | 'target'
  moved: (iCustomer: number) => boolean
  database: string
}

export type Table = 'customers' | 'accounts'
export type Row<T extends Table> = T extends 'customers' ? CustomerRow : AccountRow

const customerColumns = `i_customer INTEGER PRIMARY KEY, name TEXT NOT NULL, login TEXT, refnum TEXT, companyname TEXT,
  firstname TEXT, lastname TEXT, i_parent INTEGER, i_customer_type INTEGER, i_office_type INTEGER,
  i_main_customer INTEGER, iso_4217 TEXT, i_env INTEGER, balance TEXT, bill_status TEXT, blocked TEXT,
  must_change INTEGER, creation_date TEXT, password TEXT, extra TEXT`
const accountColumns = `i_account INTEGER PRIMARY KEY, id TEXT NOT NULL, login TEXT, i_customer INTEGER NOT NULL,
  i_master_account INTEGER, firstname TEXT, lastname TEXT, balance TEXT, bill_status TEXT, blocked TEXT,
  activation_date TEXT, password TEXT, extra TEXT`
const indices = `
  CREATE UNIQUE INDEX customers_name ON customers(name);
  CREATE UNIQUE INDEX customers_login ON customers(login);
  CREATE INDEX customers_refnum ON customers(refnum);
  CREATE INDEX customers_parent ON customers(i_parent) WHERE i_parent IS NOT NULL;
  CREATE INDEX customers_open ON customers(i_customer) WHERE bill_status <> 'E';
  CREATE UNIQUE INDEX accounts_id ON accounts(id);
  CREATE UNIQUE INDEX accounts_login ON accounts(login);
  CREATE INDEX accounts_owner ON accounts(i_customer);
  CREATE INDEX accounts_master ON accounts(i_master_account) WHERE i_master_account IS NOT NULL;`

export const keyOf = { customers: 'i_customer', accounts: 'i_account' } as const
const columnNames = {
  customers: new Set(customerColumns.match(/\w+(?= (?:TEXT|INTEGER))/g)),
  accounts: new Set(accountColumns.match(/\w+(?= (?:TEXT|INTEGER))/g))
}

/** A customer's, as its record has it: no column, and yet lists filter by it, as `email_of(i_customer, extra)`. */
const emailOf = (world: World, iCustomer: number, extra: string | null) =>
  textOf({ email: world.emailOf(iCustomer), ...extraOf(extra) }.email) ?? null

export class Data {
  readonly world: World
  /** Grows with every change that a list could see; cached orders are valid for one version. */
  version = 0
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #nextId: Record<Table, number>

  constructor(options: DataOptions) {
    this.world = createWorld(options)
    this.#db = new DatabaseSync(options.database)
    this.#db.function('fold', { deterministic: true }, (text) => (typeof text === 'string' ? text.toLowerCase() : text))
    this.#db.function('email_of', { deterministic: true }, (iCustomer, extra) =>
      emailOf(this.world, iCustomer as number, extra as string | null)
    )
    this.#db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY')
    if (this.get("SELECT 1 FROM sqlite_master WHERE name = 'customers'") === undefined) this.#seed(options)
    this.#nextId = {
      customers: this.#firstFreeId('customers', options),
      accounts: this.#firstFreeId('accounts', options)
    }
  }

  get<T = JsonObject>(sql: string, ...args: SQLInputValue[]): T | undefined {
    return this.prepare(sql).get(...args) as T | undefined
  }

  all<T = JsonObject>(sql: string, ...args: SQLInputValue[]): T[] {
    return this.prepare(sql).all(...args) as T[]
  }

  run(sql: string, ...args: SQLInputValue[]): void {
    this.prepare(sql).run(...args)
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      // List filters make many texts; the oldest go, so that none of them is kept for ever.
      if (this.#statements.size >= 500) this.#statements.delete(this.#statements.keys().next().value ?? '')
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** All or nothing; must not be nested. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  row<T extends Table>(table: T, column: string, value: SQLInputValue): Row<T> | undefined {
    return this.get<Row<T>>(`SELECT * FROM ${table} WHERE ${column} = ?`, value)
  }

  takeId(table: Table): number {
    return this.#nextId[table]++
  }

  put<T extends Table>(table: T, row: Row<T>): void {
    const names = Object.keys(row)
    const sql = `INSERT OR REPLACE INTO ${table} (${names}) VALUES (${names.map(() => '?')})`
    this.run(sql, ...Object.values(row))
    this.version++
  }

  /** Writes columns as columns and everything else as overrides of the wide record. */
  change(table: Table, id: number, changes: JsonObject): void {
    const columns = Object.entries(changes).filter(([name]) => columnNames[table].has(name))
    const rest = Object.entries(changes).filter(([name]) => !columnNames[table].has(name))
    const sets = columns.map(([name]) => `${name} = ?`)
    const values: SQLInputValue[] = columns.map(([, value]) => textOf(value) ?? null)
    if (rest.length > 0) {
      const old = this.get<{ extra: string | null }>(`SELECT extra FROM ${table} WHERE ${keyOf[table]} = ?`, id)?.extra
      sets.push('extra = ?')
      values.push(JSON.stringify({ ...extraOf(old ?? null), ...Object.fromEntries(rest) }))
    }
    if (sets.length === 0) return
    this.run(`UPDATE ${table} SET ${sets} WHERE ${keyOf[table]} = ?`, ...values, id)
    if (columns.length > 0 || 'email' in changes) this.version++
  }

  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  #firstFreeId(table: Table, { role }: DataOptions): number {
    const from = role === 'target' ? targetIdsFrom : 0
    const to = role === 'target' ? Number.MAX_SAFE_INTEGER : targetIdsFrom
    const sql = `SELECT max(${keyOf[table]}) AS id FROM ${table} WHERE ${keyOf[table]} >= ? AND ${keyOf[table]} < ?`
    const { customers, accounts, aliases } = this.world
    const seeded = role === 'target' ? targetIdsFrom : table === 'customers' ? customers : accounts + aliases
    return Math.max(this.get<{ id: number | null }>(sql, from, to)?.id ?? 0, seeded) + 1
  }

  #seed({ role, moved }: DataOptions): void {
    const { world } = this
    this.exec(`CREATE TABLE customers (${customerColumns}) STRICT; CREATE TABLE accounts (${accountColumns}) STRICT`)
    this.transaction(() => {
      const insertCustomer = this.#inserter('customers')
      for (let i = 1; i <= world.customers; i++) {
        if (role === 'target' && !moved(i)) continue
        const row = world.customer(i)
        if (role === 'source' && moved(i)) row.bill_status = 'E'
        insertCustomer(row)
      }
      const insertAccount = this.#inserter('accounts')
      for (let i = 1; i <= world.accounts + world.aliases; i++) {
        const row = world.account(i)
        const isMoved = moved(row.i_customer)
        if (role === 'target' && !isMoved) continue
        if (role === 'source' && isMoved) row.bill_status = 'E'
        insertAccount(row)
      }
    })
    this.exec(indices)
  }

  /** Positional binding: half the cost of building a statement's arguments by name, which a million rows notice. */
  #inserter<T extends Table>(table: T): (row: Row<T>) => void {
    const names = [...columnNames[table]]
    const statement = this.prepare(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})`)
    return (row) => {
      const values = row as unknown as Record<string, SQLInputValue>
      statement.run(...names.map((name) => values[name] ?? null))
    }
  }
}

export function extraOf(extra: string | null): JsonObject {
  return extra === null ? {} : (parseJson(extra) as JsonObject)
}
