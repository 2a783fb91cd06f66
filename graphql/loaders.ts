/**
 * The fields that hang on a customer and need calls. mercurius gathers them from all customers of an answer, per request,
 * and asks for them together; the API has no form that takes several customers, so each is a call of its own, as many
 * at a time as the request may have (view.ts).
 */
import { type System, systemNames } from '../core/words.ts'
import { asksTotalOf, type OperationContext, type PageArguments, readConnection } from './connections.ts'
import { differencesOf, readOn } from './entities.ts'
import type { SystemWord } from './errors.ts'
import type { Entity } from './records.ts'
import type { View } from './view.ts'

interface Asked<Arguments> {
  readonly obj: Entity
  readonly params: Arguments
}

/** One entity's failure is no other's: it is that entity's own error. */
const each =
  <Arguments, Result>(load: (view: View, customer: Entity, params: Arguments) => Promise<Result>) =>
  (queries: readonly Asked<Arguments>[], { view }: OperationContext): Promise<(Result | Error)[]> =>
    Promise.all(
      queries.map(({ obj, params }) =>
        load(view, obj, params).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      )
    )

/** An answer is never kept: what a mutation changes must be seen by the next one's fields. */
const uncached = { cache: false } as const

const keyOf = ({ fields }: Entity) => ({ i_customer: Number(fields.i_customer) })
const customerOf = (entity: Entity) => ({ kind: 'customer', keys: keyOf(entity) }) as const

function accounts(view: View, customer: Entity, asked: PageArguments) {
  const statuses = view.selected.has('Account.status') ? { get_statuses: 1 } : {}
  return readConnection(
    view,
    {
      kind: 'account',
      params: keyOf(customer),
      extras: statuses,
      // Where the customer is active, as for any call that names it; on a host or in a context of one system, there.
      systems: view.isOfOneSystem ? view.systemsFor(null) : [customer.at],
      isOfEntity: true,
      wantsTotal: asksTotalOf(view, 'Customer.accounts')
    },
    asked
  )
}

function invoices(view: View, customer: Entity, asked: PageArguments) {
  return readConnection(
    view,
    {
      kind: 'invoice',
      params: keyOf(customer),
      systems: view.systemsFor(null),
      isOfEntity: true,
      wantsTotal: asksTotalOf(view, 'Customer.invoices')
    },
    asked
  )
}

interface XdrArguments extends PageArguments {
  readonly from: string
  readonly to: string
}

function xdrs(view: View, customer: Entity, { from, to, ...asked }: XdrArguments) {
  return readConnection(
    view,
    {
      kind: 'xdr',
      params: { ...keyOf(customer), from_date: from, to_date: to },
      systems: view.systemsFor(null),
      isOfEntity: true,
      wantsTotal: asksTotalOf(view, 'Customer.xdrs')
    },
    asked
  )
}

/** The whole record on one system: it need not be read where the customer itself was. */
async function recordOn(view: View, customer: Entity, asked: System): Promise<Entity | null> {
  const { system } = await view.systemFor([], asked)
  return customer.isWhole && customer.from === system ? customer : readOn(view, system, customerOf(customer))
}

async function differences(view: View, customer: Entity) {
  const [source, target] = await Promise.all(systemNames.map((system) => recordOn(view, customer, system)))
  return source && target ? differencesOf(source, target) : []
}

export const loaders = {
  Customer: {
    accounts: { loader: each(accounts), opts: uncached },
    invoices: { loader: each(invoices), opts: uncached },
    xdrs: { loader: each(xdrs), opts: uncached },
    on: {
      loader: each((view, customer, { system }: { system: SystemWord }) =>
        recordOn(view, customer, system === 'SOURCE' ? 'source' : 'target')
      ),
      opts: uncached
    },
    differences: { loader: each(differences), opts: uncached }
  }
}
