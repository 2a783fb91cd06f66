/**
 * Passes on what several processes write, line by line. Each of them writing into one pipe by itself would mix their
 * lines: what is longer than the pipe takes at once goes in pieces (PIPE_BUF, 4 KiB on Linux).
 */
import type { Readable } from 'node:stream'

/** `write` gets whole lines, one or more at a time, each with its newline. */
export function passWholeLines(from: Readable, write: (lines: string) => void): void {
  let begun = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) {
      write(begun + text.slice(0, end))
      begun = ''
    }
    begun += text.slice(end)
  })
  // Whoever was killed may have been in the middle of one.
  from.on('end', () => {
    if (begun !== '') write(`${begun}\n`)
  })
}
