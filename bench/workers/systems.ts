/**
 * The two systems, as cheap as can be: an haproxy that answers by itself.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type System, systemNames } from '../../core/words.ts'
import { freePorts } from '../../fleet/ports.ts'
import { openSocket } from '../answers.ts'
import type { Crew } from '../children.ts'
import { accessToken, answerBytes, sourceToken } from '../wire.ts'

const startMs = 60_000

/** Where the two systems listen. */
export type SystemPorts = Readonly<Record<System, number>>

/** Rows of a merged page. */
export const pageRows = 20
/** Every other customer is the target's. */
const rowsOf = (system: System) =>
  Array.from({ length: pageRows }, (_none, at) => ({
    i_customer: 2 * at + (system === 'source' ? 1 : 2),
    name: `Customer ${at}`,
    filler: 'x'.repeat(150)
  }))

/** What the target calls an administrator's session; the customer's of the other call is somebody else's. */
export const adminToken = accessToken.split('').toReversed().join('')

const sessionOf = (system: System) => ({
  session_id: system,
  access_token: system === 'source' ? sourceToken : adminToken,
  refresh_token: `${system} refresh`,
  expires_in: 86_400
})

const answering = (value: object, condition = '') =>
  `  http-request return status 200 content-type application/json string '${JSON.stringify(value)}'${condition}`

const systemConfig = (ports: SystemPorts) => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-buffer-request
  timeout connect 5s
  timeout client 1m
  timeout server 1m
${systemNames
  .map((system) =>
    [
      `frontend ${system}`,
      `  bind 127.0.0.1:${ports[system]}`,
      answering(sessionOf(system), ' if { path /rest/Session/login }'),
      answering({ customer_list: rowsOf(system) }, ' if { path /rest/Customer/get_customer_list }'),
      answering({ system, filler: 'x'.repeat(answerBytes - 33) })
    ].join('\n')
  )
  .join('\n')}
`

export async function untilOpen(port: number) {
  const by = performance.now() + startMs
  for (;;) {
    try {
      const socket = await openSocket(port)
      socket.destroy()
      return
    } catch (error) {
      if (performance.now() > by) throw error
      await delay(50)
    }
  }
}

export async function startSystems(crew: Crew, haproxy: string, directory: string): Promise<SystemPorts> {
  const [source = 0, target = 0] = await freePorts(2)
  const ports = { source, target }
  const file = join(directory, 'haproxy.cfg')
  writeFileSync(file, systemConfig(ports))
  crew.adopt(spawn(haproxy, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] }))
  await Promise.all([untilOpen(ports.source), untilOpen(ports.target)])
  return ports
}
