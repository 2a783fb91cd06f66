/**
 * Brute-force protection: too many failed logins for one login, or from one client address, lock it for a while.
 */
export interface LockoutOptions {
  /** Failures of one login before it is locked. */
  failures: number
  windowMs: number
  /** Failures of one address before it is locked; ten times `failures` when absent. */
  addressFailures?: number
}

export type Lockout = ReturnType<typeof createLockout>

export function createLockout(options: LockoutOptions | false) {
  const failures = new Map<string, { count: number; since: number }>()

  function countOf(key: string): number {
    const entry = failures.get(key)
    if (entry === undefined || options === false) return 0
    if (Date.now() - entry.since < options.windowMs) return entry.count
    failures.delete(key)
    return 0
  }

  function add(key: string): void {
    const count = countOf(key)
    failures.set(key, { count: count + 1, since: failures.get(key)?.since ?? Date.now() })
  }

  return {
    isLocked(login: string, address: string): boolean {
      if (options === false) return false
      const ofAddress = options.addressFailures ?? options.failures * 10
      return countOf(`login ${login}`) >= options.failures || countOf(`address ${address}`) >= ofAddress
    },
    failed(login: string, address: string): void {
      if (options === false) return
      add(`login ${login}`)
      add(`address ${address}`)
    },
    succeeded(login: string): void {
      failures.delete(`login ${login}`)
    },
    clear(): void {
      failures.clear()
    }
  }
}
