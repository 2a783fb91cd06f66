/**
 * How a command ends: its exit code, and what stderr says.
 */

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with a message of its own. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(end: Exclude<keyof typeof exitCodes, 'done'>, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCodes[end]
  }
}

export const wrongUsage = (message: string) => new CommandError('usage', message)
