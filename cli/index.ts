/**
 * The commands: each asks a running gateway's ops API, and starts none.
 */
import { CommandError, type ExitCode, exitCodes } from './errors.ts'
import type { Surroundings } from './surroundings.ts'

interface Command {
  readonly help: string
  run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode>
}

/** Each is loaded when it is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  where: async () => {
    const { where, whereHelp } = await import('./where.ts')
    return { help: whereHelp, run: where }
  },
  explain: async () => {
    const { explain, explainHelp } = await import('./explain.ts')
    return { help: explainHelp, run: explain }
  },
  migrate: async () => {
    const { migrate, migrateHelp } = await import('./migrate.ts')
    return { help: migrateHelp, run: migrate }
  },
  status: async () => {
    const { status, statusHelp } = await import('./status.ts')
    return { help: statusHelp, run: status }
  }
}

const common = `
  --ops URL       the gateway's ops address (or WEBDISPATCHER_OPS); http://127.0.0.1:9090 otherwise
  --token-file F  a file with the ops token (or OPS_TOKEN in the environment)
  --json          the gateway's answers as they are, one JSON a line
  --help          this text

Exit codes: 0 done, 1 the gateway refuses, 2 wrong usage, 3 the gateway cannot be reached.
`

/** Whether help is asked for; behind `--` and in the place of a value it is a word as any other. */
const asksHelp = (args: readonly string[]) => args.includes('--help') || args[0] === '-h'

export async function runCommand(name: string, args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { out, err } = surroundings
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load === undefined) {
    err.write(`${JSON.stringify(name)} is no command; there are ${Object.keys(commands).join(', ')}\nTry --help.\n`)
    return exitCodes.usage
  }
  const { help, run } = await load()
  try {
    if (!asksHelp(args)) return await run(args, surroundings)
    out.write(help + common)
    return exitCodes.done
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const hint = error.exitCode === exitCodes.usage ? `\nTry webdispatcher ${name} --help.` : ''
    err.write(`${error.message}${hint}\n`)
    return error.exitCode
  }
}
