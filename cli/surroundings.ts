/**
 * What a command sees of the world: a process's own, or a test's.
 */

export interface Output {
  readonly isTTY: boolean
  write(text: string): void
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: Output
  readonly err: Output
  /** Whether a person sits at the input, who would have to type it. */
  readonly isTyped: boolean
  /** All of the input. */
  readInput(): Promise<string>
  /** Aborted when the command is to stop. */
  readonly signal: AbortSignal
}

const outputOf = (stream: NodeJS.WriteStream): Output => ({
  isTTY: stream.isTTY === true,
  write: (text) => {
    stream.write(text)
  }
})

async function readStdin(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) text += chunk
  return text
}

export function ofProcess(signal: AbortSignal): Surroundings {
  const { env, stdout, stderr, stdin } = process
  // Whoever reads may have read enough, as `head` has: what was begun is done all the same.
  for (const stream of [stdout, stderr]) stream.on('error', () => {})
  const isTyped = stdin.isTTY === true
  return { env, out: outputOf(stdout), err: outputOf(stderr), isTyped, readInput: readStdin, signal }
}
