/**
 * A system's records as the schema's types. A record's text is kept: amounts are read out of it, digit by digit.
 */
import { isExported } from '../core/answer.ts'
import { parseExact } from '../core/exact-json.ts'
import { memberText } from '../core/json-text.ts'
import { type JsonObject, otherSystem, type System } from '../core/words.ts'
import { systemWord } from './errors.ts'

export type Kind = 'customer' | 'account' | 'invoice' | 'xdr'

const numbers = { customer: 'i_customer', account: 'i_account', invoice: 'i_invoice', xdr: 'i_xdr' } as const

/** An entity's record as one system has it. */
export class Entity {
  readonly kind: Kind
  /** The system that has given the record. */
  readonly from: System
  readonly text: string
  readonly fields: JsonObject
  /** Whether it is the whole record, and not a row of a list. */
  readonly isWhole: boolean

  constructor(kind: Kind, from: System, text: string, isWhole = false) {
    this.kind = kind
    this.from = from
    this.text = text
    this.isWhole = isWhole
    const fields: unknown = JSON.parse(text)
    this.fields = typeof fields === 'object' && fields !== null ? (fields as JsonObject) : {}
  }

  /** Where the entity is active: not where its record says that it has moved away. */
  get at(): System {
    return isExported(this.fields) ? otherSystem(this.from) : this.from
  }

  /** Its number, digit by digit. */
  get number(): string {
    return this.decimal(numbers[this.kind]) ?? ''
  }

  /** A number as the record writes it: it may have more digits than a JavaScript number holds, or zeros at its end. */
  decimal(name: string): string | null {
    const value = this.fields[name]
    return typeof value === 'number' ? digitsOf(this.text, name, value) : this.words(name)
  }

  /** A text; null where it is empty. */
  words(name: string): string | null {
    const value = this.fields[name]
    return value === undefined || value === null || value === '' ? null : String(value)
  }

  /** What loaders tell entities apart by. */
  toJSON() {
    return [this.kind, this.from, this.number]
  }
}

const patterns = new Map<string, RegExp>()

/**
 * The text of a number. Where the record writes such a member once, and with this value, it is that; a scan of the whole
 * record, which takes a hundred times as long, tells the others apart.
 */
function digitsOf(text: string, name: string, value: number): string {
  const pattern = patterns.get(name) ?? new RegExp(`"${name}"\\s*:\\s*(-?\\d[\\d.eE+-]*)`, 'g')
  patterns.set(name, pattern)
  const [only, ...others] = text.matchAll(pattern)
  const digits = only?.[1]
  if (digits !== undefined && others.length === 0 && Number(digits) === value) return digits
  return memberText(text, name) ?? String(value)
}

/** `YYYY-MM-DD hh:mm:ss` is UTC. */
const instantOf = (text: string | null) =>
  text !== null && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? `${text.replace(' ', 'T')}Z` : null

const nodeId = (entity: Entity) => Buffer.from(`${entity.kind}:${entity.number}`).toString('base64url')

type Read = (entity: Entity) => unknown

const text =
  (name: string): Read =>
  (entity) =>
    entity.words(name)
const value =
  (name: string): Read =>
  ({ fields }) =>
    fields[name] ?? null
const decimal =
  (name: string): Read =>
  (entity) =>
    entity.decimal(name)
const instant =
  (name: string): Read =>
  (entity) =>
    instantOf(entity.words(name))

/** What every type has. */
const common = {
  id: nodeId,
  raw: (entity: Entity) => parseExact(entity.text)
}
const active: Read = ({ at }) => systemWord(at)
const holder: Read = ({ from }) => systemWord(from)

/** How the fields of the schema's types are read; fields that need a call are the loaders'. */
export const recordFields: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  Customer: {
    ...common,
    system: active,
    iCustomer: value('i_customer'),
    name: (entity) => entity.words('name') ?? '',
    status: text('status'),
    billStatus: text('bill_status'),
    balance: decimal('balance'),
    currency: text('iso_4217'),
    email: text('email')
  },
  CustomerRecord: {
    system: holder,
    name: text('name'),
    status: text('status'),
    balance: decimal('balance'),
    raw: common.raw
  },
  Account: {
    ...common,
    system: active,
    iAccount: value('i_account'),
    iCustomer: value('i_customer'),
    number: (entity) => entity.words('id') ?? '',
    status: text('status'),
    billStatus: text('bill_status'),
    balance: decimal('balance')
  },
  Invoice: {
    ...common,
    system: holder,
    iInvoice: ({ number }) => number,
    number: text('invoice_number'),
    issueDate: text('issue_date'),
    dueDate: text('due_date'),
    amountDue: decimal('amount_due'),
    amountPaid: decimal('amount_paid'),
    currency: text('iso_4217'),
    status: text('invoice_status_desc')
  },
  Xdr: {
    ...common,
    system: holder,
    iXdr: ({ number }) => number,
    iAccount: value('i_account'),
    accountNumber: text('account_id'),
    cli: text('CLI'),
    cld: text('CLD'),
    billTime: instant('bill_time'),
    connectTime: instant('connect_time'),
    disconnectTime: instant('disconnect_time'),
    chargedAmount: decimal('charged_amount'),
    chargedQuantity: decimal('charged_quantity')
  }
}
