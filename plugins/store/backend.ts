/**
 * What a backend of the store does: memory, a file, Redis. It keeps texts by purpose and key, and tells the other
 * processes that share it. What is slow, broken or away throws, as it comes; `guard.ts` bounds that.
 */

/** What is kept under a key, or that nothing is any more. */
export type Change =
  | { readonly key: string; readonly value: string; readonly ttlMs: number }
  | { readonly key: string; readonly value: null }

export interface Found {
  readonly value: string
  /** For how long more it is kept, ms. */
  readonly restMs: number
}

export interface Counted {
  readonly count: number
  /** Until the window ends, ms. */
  readonly restMs: number
}

/** What a process hears of the others that share the store. It never hears itself. */
export interface Hearing {
  /** Another process has written these keys; null: any keys of the purpose. */
  onChanged(purpose: string, keys: readonly string[] | null): void
  /** Another process has told this. */
  onTold(purpose: string, text: string): void
  /** From now on it hears the others, or does not; what was told meanwhile is never told again. */
  onHears(hears: boolean): void
  /** What was kept is gone, though nobody has deleted it: another, empty store has taken its place. */
  onLost(): void
}

export interface Backend {
  /** Whether other processes have the same. */
  readonly isShared: boolean
  /** When what was kept was last lost, ms since 1970, as far as any process that shares it has seen; null for never. */
  readonly lostAt: number | null
  /** Connects. Rejects with what is wrong with the place itself; one that is away for now is no error. */
  open(hearing: Hearing): Promise<void>
  get(purpose: string, key: string): Promise<Found | undefined>
  /** All of it or nothing, in order; then the others are told. `onlyNew`: what is there already stays. */
  write(purpose: string, changes: readonly Change[], onlyNew?: boolean): Promise<void>
  /** Forgets everything of a purpose. */
  clear(purpose: string): Promise<void>
  /** Everything of a purpose. */
  entries(purpose: string): AsyncIterable<readonly [key: string, value: string]>
  /** Counts one more under a key, in a window that begins with the first and ends by itself. */
  increment(purpose: string, key: string, windowMs: number): Promise<Counted>
  /** Tells the others something that is not kept. */
  tell(purpose: string, text: string): Promise<void>
  close(): Promise<void>
}
