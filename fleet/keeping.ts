/**
 * What the fleet and its keeper agree on.
 */

/** A process group that has begun, or that has ended. */
export interface Told {
  readonly begun?: number
  readonly ended?: number
}

/** Kills what is left of a process group. */
export function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}
