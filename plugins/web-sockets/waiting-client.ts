/**
 * A client that waits for its WebSocket: Node has let go of its connection, so that nobody else would notice that it has
 * left.
 */
import { type Upgrade, upgrade } from '../../core/words.ts'

/** What a client may send before it has its answer; it should send nothing (RFC 6455 section 4.1). */
const keptBytes = 65_536

const watched = new WeakMap<Upgrade, () => void>()

interface Raw {
  readonly [upgrade]?: Upgrade
}

/** Watches the client of a request from now on; what it sends is kept for whoever takes the connection. */
export function watchClient({ [upgrade]: wanted }: Raw): void {
  if (wanted === undefined || watched.has(wanted)) return
  const { socket, head } = wanted
  const kept = [head]
  let bytes = head.length
  function keep(chunk: Buffer) {
    kept.push(chunk)
    bytes += chunk.length
    if (bytes > keptBytes) socket.pause()
  }
  // Nobody who wants a WebSocket ends its half of the connection before it has one.
  const leave = () => socket.destroy()
  socket.on('data', keep).once('end', leave)
  watched.set(wanted, function giveBack() {
    socket.off('data', keep).off('end', leave)
    socket.pause()
    if (bytes > 0) socket.unshift(Buffer.concat(kept))
  })
}

/** The client's connection, with all that has come on it behind the head still to be read. */
export function takeClient({ [upgrade]: wanted }: Raw): Upgrade['socket'] {
  if (wanted === undefined) throw new Error('It is no request for a WebSocket')
  const giveBack = watched.get(wanted)
  watched.delete(wanted)
  if (giveBack !== undefined) giveBack()
  else if (wanted.head.length > 0) wanted.socket.unshift(wanted.head)
  return wanted.socket
}
