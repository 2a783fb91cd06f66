/**
 * What a peer's process tells the bench: the ports it listens on, and answers to what the bench asks.
 */

export interface Ready {
  readonly ports: Readonly<Record<string, number>>
}

export interface Usage {
  /** User and system time since the process began. */
  readonly cpuMicroseconds: number
  readonly residentBytes: number
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() }
}

/** Says that this process listens, and answers questions from then on. It ends with the process that started it. */
export function reportReady(ports: Ready['ports'], answers: Readonly<Record<string, () => unknown>> = {}) {
  const all: typeof answers = { usage, ...answers }
  process.on('message', (question) => {
    process.send?.(all[String(question)]?.() ?? null)
  })
  process.once('disconnect', () => process.exit(0))
  process.send?.({ ports } satisfies Ready)
}
