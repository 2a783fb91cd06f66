/**
 * Wide records out of narrow rows: what is not a column is derived from the id, overrides come last.
 */
import { extraOf } from './data.ts'
import { exactNumber, type JsonObject } from './exact-json.ts'
import type { AccountRow, CustomerRow, World } from './world.ts'

/** What a wide record has beside its columns; most of it is empty, as on a real system. */
const emptyCustomer: JsonObject = Object.fromEntries(
  `midinit salutation address_line_2 baddr3 baddr4 baddr5 cont1 cont2 phone2 faxnum note bcc tax_id i_tax_profile
  i_template i_acl i_billing_item ppm_enabled drm_enabled i_do_batch i_distributor discount_rate i_vd_plan
  max_abbreviated_length password_lifetime i_routing_plan i_moh i_ui_time_zone perm_credit_limit
  temp_credit_limit temp_credit_limit_until payment_method i_credit_card service_flags override_tariffs_enabled
  i_capacity_group bandwidth_limit unallocated_payments rep_i_rate_group suspension_delay_date`
    .split(/\s+/)
    .map((name, at) => [name, at % 3 === 0 ? null : ''])
)
const emptyAccount: JsonObject = Object.fromEntries(
  `midinit salutation baddr1 baddr2 city state zip phone1 phone2 faxnum note cont1 i_acl i_batch i_distributor
  i_time_zone redirect_number um_enabled i_vd_plan i_routing_plan h323_password service_flags ecommerce_enabled
  expiration_date inactivity_expire_time last_usage last_recharge`
    .split(/\s+/)
    .map((name, at) => [name, at % 3 === 0 ? null : ''])
)

export function customerRecord(world: World, row: CustomerRow, withStatus: boolean): JsonObject {
  const { i_customer: i, extra, password, must_change, balance, ...columns } = row
  const raw = world.hash(30, i)
  return {
    i_customer: i,
    ...columns,
    balance: exactNumber(balance),
    credit_limit: raw % 3 === 0 ? null : exactNumber(`${raw % 500}.${raw % 10}0`),
    opening_balance: exactNumber('0.00'),
    email: world.emailOf(i),
    baddr1: `${(raw % 200) + 1} High Street`,
    city: raw % 2 === 0 ? 'Zürich' : 'Vancouver',
    zip: String(10_000 + (raw % 80_000)),
    state: '',
    country: raw % 2 === 0 ? 'CH' : 'CA',
    phone1: `+1555${String(i).padStart(7, '0')}`,
    i_time_zone: (raw % 400) + 1,
    i_lang: raw % 4 === 0 ? 'fr' : 'en',
    i_billing_period: 4,
    i_customer_class: (raw % 9) + 1,
    out_date_format: 'YYYY-MM-DD',
    out_time_format: 'HH24:MI:SS',
    in_date_format: 'YYYY-MM-DD',
    in_time_format: 'HH24:MI:SS',
    send_invoices: 'Y',
    send_statistics: 'S',
    callshop_enabled: 'N',
    ...emptyCustomer,
    ...(withStatus ? statusOf(row.bill_status, row.blocked, raw % 37 === 5) : {}),
    ...visible(extra)
  }
}

export function accountRecord(world: World, row: AccountRow, withStatus: boolean): JsonObject {
  const { i_account: i, extra, password, balance, i_master_account, ...columns } = row
  const raw = world.hash(31, i)
  return {
    i_account: i,
    ...columns,
    ...(i_master_account === null ? {} : { i_master_account }),
    balance: exactNumber(balance),
    opening_balance: exactNumber('0.00'),
    credit_limit: raw % 2 === 0 ? null : exactNumber(`${raw % 50}.50`),
    iso_4217: 'USD',
    i_product: (raw % 12) + 1,
    product_name: `Product ${(raw % 12) + 1}`,
    extension_id: extensionOf(i),
    did_number: i % 5 === 0 ? didNumberOf(i) : '',
    sip_status: sipStatusOf(i),
    billing_model: raw % 3 === 0 ? -1 : 1,
    control_number: i,
    batch_name: `batch-${row.i_customer}`,
    i_lang: 'en',
    email: `user-${i}@accounts.example`,
    subscriber_email: '',
    in_date_format: 'YYYY-MM-DD',
    out_date_format: 'YYYY-MM-DD',
    issue_date: row.activation_date,
    ...emptyAccount,
    ...(withStatus ? statusOf(row.bill_status, row.blocked, raw % 41 === 3) : {}),
    ...visible(extra)
  }
}

/** Kept in SQL terms too, where a list filters by them: methods/account.ts. */
export const extensionOf = (iAccount: number) => String(100 + (iAccount % 900))
export const didNumberOf = (iAccount: number) => `1800${String(iAccount).padStart(7, '0')}`
const sipStatusOf = (iAccount: number) => (iAccount % 7 === 0 ? 1 : 0)

/** A written record may carry columns that a caller must not set, and names kept for other services' state. */
export function writableFields(info: JsonObject, fixed: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(info).filter(([name]) => !fixed.includes(name) && !name.startsWith('_')))
}

/** No status means that all is well. */
function statusOf(billStatus: string, blocked: string, isOverLimit: boolean): JsonObject {
  if (billStatus === 'E') return { status: 'exported' }
  if (billStatus === 'C') return { status: 'closed' }
  if (blocked === 'Y') return { status: 'blocked' }
  if (billStatus === 'S') return { status: 'suspended' }
  return isOverLimit ? { status: 'credit_exceeded' } : {}
}

/** Overrides whose names start with `_` are state of other services. */
function visible(extra: string | null): JsonObject {
  if (extra === null) return {}
  return Object.fromEntries(Object.entries(extraOf(extra)).filter(([name]) => !name.startsWith('_')))
}
