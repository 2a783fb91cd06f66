/**
 * Tells when files may have changed. Renewals put a new file into the place of the old one, and Kubernetes turns a link
 * in the way to it, so it is the directories that are watched: every one in which a step of the way to a file stands.
 */
import { type FSWatcher, lstatSync, readlinkSync, statSync, watch } from 'node:fs'
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path'

/** Changes come in flocks, a certificate and its key among them: what follows the first by this is told with it, ms. */
const gatherMs = 200
/** Links in one way, as the operating system allows them. */
const mostLinks = 40

/** The first part of a path that is a link, or is not there; null when all of it is plain. */
function firstTurn(path: string): { readonly at: string; readonly isLink: boolean } | null {
  let at = parse(path).root
  for (const part of relative(at, path).split(sep)) {
    at = join(at, part)
    const found = lstatSync(at, { throwIfNoEntry: false })
    if (found === undefined || found.isSymbolicLink()) return { at, isLink: found !== undefined }
  }
  return null
}

/** Where the way to a file can change: names, by the directory in which they stand. */
function stepsTo(file: string, steps = new Map<string, Set<string>>()): Map<string, Set<string>> {
  let path = resolve(file)
  for (let links = 0; links < mostLinks; links++) {
    const turn = firstTurn(path)
    const at = turn?.at ?? path
    const names = steps.get(dirname(at)) ?? new Set()
    steps.set(dirname(at), names.add(basename(at)))
    if (turn === null || !turn.isLink) break
    path = resolve(dirname(at), readlinkSync(at), relative(at, path))
  }
  return steps
}

interface Watched {
  readonly watcher: FSWatcher
  /** A directory that was made anew is another one under the same name. */
  readonly inode: number
  names: ReadonlySet<string>
}

export interface FileWatch {
  /** Goes the ways to the files anew: far above them a directory may be another one, which no event tells. */
  follow(): void
  close(): void
}

/** `onFailure` is told of directories that cannot be watched. */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  onFailure: (directory: string, error: Error) => void
): FileWatch {
  const directories = new Map<string, Watched>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function note(directory: string, name: string | null) {
    if (isClosed) return
    const isWanted = name === null || (directories.get(directory)?.names.has(name) ?? false)
    // Its own name is told when the directory itself goes: another may come under that name.
    const isGone = name === basename(directory)
    if (isGone) leave(directory)
    if (isWanted || isGone) timer ??= setTimeout(tell, gatherMs).unref()
  }

  function tell() {
    timer = undefined
    follow()
    onChange()
  }

  function leave(directory: string) {
    directories.get(directory)?.watcher.close()
    directories.delete(directory)
  }

  function enter(directory: string, names: ReadonlySet<string>) {
    try {
      const { ino: inode } = statSync(directory)
      const known = directories.get(directory)
      if (known?.inode === inode) {
        known.names = names
        return
      }
      leave(directory)
      const watcher = watch(directory, { persistent: false }, (_event, name) => note(directory, name))
      watcher.on('error', (error) => onFailure(directory, error))
      directories.set(directory, { watcher, inode, names })
    } catch (error) {
      leave(directory)
      onFailure(directory, error as Error)
    }
  }

  /** The ways may lead through other directories than before. */
  function follow() {
    if (isClosed) return
    const steps = new Map<string, Set<string>>()
    let isWhole = true
    for (const file of files) {
      try {
        stepsTo(file, steps)
      } catch (error) {
        // A way that is closed to us, or that turned while it was followed.
        isWhole = false
        onFailure(dirname(file), error as Error)
      }
    }
    if (isWhole) for (const directory of directories.keys()) if (!steps.has(directory)) leave(directory)
    for (const [directory, names] of steps) enter(directory, names)
  }

  follow()
  return {
    follow,
    close() {
      isClosed = true
      clearTimeout(timer)
      for (const directory of directories.keys()) leave(directory)
    }
  }
}
