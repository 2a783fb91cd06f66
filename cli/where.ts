/**
 * webdispatcher where: on which system a customer, an account or a login is, and how that is known.
 */
import { evidence } from '../console/words.js'
import { exitCodes, wrongUsage } from './errors.ts'
import { readArguments } from './flags.ts'
import { createOpsClient } from './ops-client.ts'
import type { Surroundings } from './surroundings.ts'

export const whereHelp = `Usage: webdispatcher where customer N | account N | login NAME [--realm customer|account]

On which system somebody is, how that is known and since when.

  --realm REALM   of a login: customer (the default) or account
`

interface Where {
  readonly kind: string
  readonly customer: number | null
  readonly account?: number
  readonly at: string | null
  readonly how: keyof typeof evidence
  readonly since: string | null
  readonly moving: { readonly to: string | null; readonly since: string; readonly until: string } | null
  readonly hint?: string
}

function whom({ kind, customer, account }: Where): string {
  if (kind === 'customer') return `customer ${customer}`
  const name = kind === 'account' ? `account ${account}` : 'the login'
  return customer === null ? name : `${name} (customer ${customer})`
}

function sentences(told: Where): string {
  const { at, how, since, moving, hint } = told
  const known = `${evidence[how] ?? how}${since === null ? '' : `, ${since}`}`
  const place = at === null ? 'is somewhere that is not known' : `is on the ${at}: ${known}`
  const lines = [`${whom(told)} ${place}`]
  if (moving !== null) {
    const to = moving.to === null ? '' : ` to the ${moving.to}`
    lines.push(`being moved${to} since ${moving.since}: writes are held back until ${moving.until} at most`)
  }
  if (hint !== undefined) lines.push(hint)
  return `${lines.join('\n')}\n`
}

function queryOf([kind = '', name = '', ...rest]: readonly string[], realm: string | undefined): string {
  if (rest.length > 0 || name === '') throw wrongUsage('where takes a kind and a name: where customer 7')
  if (kind !== 'customer' && kind !== 'account' && kind !== 'login') {
    throw wrongUsage(`where: ${JSON.stringify(kind)} is not customer, account or login`)
  }
  if (kind !== 'login' && realm !== undefined) throw wrongUsage('--realm goes with a login alone')
  if (kind !== 'login' && !/^[1-9]\d*$/.test(name))
    throw wrongUsage(`where ${kind}: ${JSON.stringify(name)} is no number`)
  return new URLSearchParams({ [kind]: name, ...(realm !== undefined && { realm }) }).toString()
}

export const whereFlags = { realm: { type: 'string' } } as const

export async function where(args: readonly string[], surroundings: Surroundings) {
  const { values, positionals } = readArguments(args, whereFlags)
  const query = queryOf(positionals, values.realm)
  const { text, json } = await createOpsClient(values, surroundings).get(`/where?${query}`)
  surroundings.out.write(values.json ? `${text}\n` : sentences(json as Where))
  return exitCodes.done
}
