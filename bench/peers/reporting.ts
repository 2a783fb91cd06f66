/**
 * What a peer's process tells the bench: the ports it listens on, and what it uses where /proc does not tell.
 */

export interface Ready {
  readonly ports: Readonly<Record<string, number>>
}

export interface Usage {
  /** User and system time since the process began. */
  readonly cpuMicroseconds: number
  readonly residentBytes: number
}

/** Says that this process listens. It ends with the process that started it. */
export function reportReady(ports: Ready['ports']) {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() } satisfies Usage)
  })
  process.once('disconnect', () => process.exit(0))
  process.send?.({ ports } satisfies Ready)
}
