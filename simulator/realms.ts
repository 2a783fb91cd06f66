/**
 * The seven realms of a system, in the order of the ports that they get from a base port.
 */
export const realmNames = [
  'admin',
  'reseller',
  'customer',
  'account',
  'cc_staff',
  'distributor',
  'representative'
] as const

export type RealmName = (typeof realmNames)[number]

export function isRealmName(value: unknown): value is RealmName {
  return realmNames.some((name) => name === value)
}
