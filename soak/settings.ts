/**
 * What the soak's processes agree on.
 */

/** Of each realm that has clients in the soak; docker/dispatcher.yaml has the same. */
export const hosts = {
  customer: 'www.customer.localhost',
  account: 'www.account.localhost',
  admin: 'www.admin.localhost',
  reseller: 'www.reseller.localhost'
} as const

export type SoakRealm = keyof typeof hosts

/** Between two health probes, ms. */
export const healthMs = 1000
/** How long the gateway remembers where an entity is, ms. */
export const locationMs = 5000
