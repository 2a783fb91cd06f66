/**
 * A client that never rests, for what must not be noticed by one.
 */
import { once } from 'node:events'
import http from 'node:http'

/** Asks again and again on one connection, one request after the other, until it is over; tells what went wrong. */
export async function keepAsking(origin: string, path: string, isOver: () => boolean) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const { hostname, port } = new URL(origin)
  const failures: string[] = []
  let answered = 0
  while (!isOver()) {
    const request = http.request({ hostname, port, agent, path, method: 'POST' }).end('{}')
    try {
      const [response] = await once(request, 'response')
      await once(response.resume(), 'end')
      if (response.statusCode === 200) answered++
      else failures.push(String(response.statusCode))
    } catch (error) {
      failures.push((error as NodeJS.ErrnoException).code ?? 'no code')
    }
  }
  agent.destroy()
  return { failures, answered }
}
