/**
 * What the soak's processes agree on.
 */

/** Of each realm that has clients in the soak. */
export const hosts = {
  customer: 'www.customer.soak.test',
  account: 'www.account.soak.test',
  admin: 'www.admin.soak.test',
  reseller: 'www.reseller.soak.test'
} as const

export type SoakRealm = keyof typeof hosts

/** Between two health probes, ms. */
export const healthMs = 1000
/** How long the gateway remembers where an entity is, ms. */
export const locationMs = 5000
