/**
 * The table of what clients saw other than success: by phase, by cause, and by the reason for which the contract foresees
 * it, if it does. What is not foreseen is kept one by one.
 */
export interface ClientError {
  readonly phase: string
  /** Such as `503 Server.Dispatcher.system_unavailable`, or `WebSocket closed with 1006`. */
  readonly cause: string
  /** Null where the contract does not foresee it. */
  readonly foreseen: string | null
  readonly what: string
  readonly sentAt: number
  readonly endedAt: number
}

export type ErrorRow = Pick<ClientError, 'phase' | 'cause' | 'foreseen'> & { readonly count: number }

const keptMost = 5000

export function createErrors() {
  const rows = new Map<string, { row: Omit<ErrorRow, 'count'>; count: number }>()
  const kept: ClientError[] = []
  let phase = ''

  return {
    /** In which phase what happens from now on counts. */
    enter(name: string) {
      phase = name
    },
    get phase() {
      return phase
    },

    note({ cause, foreseen, ...more }: Omit<ClientError, 'phase'>) {
      const key = [phase, foreseen, cause].join('\0')
      const entry = rows.get(key) ?? { row: { phase, cause, foreseen }, count: 0 }
      entry.count++
      rows.set(key, entry)
      if (foreseen === null && kept.length < keptMost) kept.push({ phase, cause, foreseen, ...more })
    },

    rows: (): ErrorRow[] => [...rows.values()].map(({ row, count }) => ({ ...row, count })),
    /** That nothing foresees, in order. */
    unforeseen: kept as readonly ClientError[]
  }
}
