/**
 * A small simulated system for one test, closed with it, and the calls that tests make of it.
 */
import { request } from 'node:http'
import { after, type TestContext } from 'node:test'
import type { RealmName, Simulator, SimulatorOptions } from '../../simulator/index.ts'
import { startTestSystem } from '../test-system.ts'

export interface Reply {
  status: number
  headers: Headers
  text: string
  /** Empty where the answer is not a JSON object. */
  json: Record<string, unknown>
}

export interface Login {
  session_id: string
  access_token: string
  refresh_token: string
  expires_at: string
  expires_in: number
}

export async function startSystem(t: TestContext, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const system = await startTestSystem({ release: 'MR100', role: 'source', customers: 60, ...options })
  t.after(() => system.close())
  return system
}

/** One system for a whole file whose tests only read, or undo what they change; to be awaited before its first test. */
export async function sharedSystem(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const system = await startTestSystem({ release: 'MR100', role: 'source', customers: 60, ...options })
  after(() => system.close())
  return system
}

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text.startsWith('{')
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} }
}

export async function call(
  system: Simulator,
  realm: RealmName,
  name: string,
  params: unknown = {},
  token?: string
): Promise<Reply> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const body = JSON.stringify({ params })
  return replyOf(await fetch(`${system.urls[realm]}/rest/${name}`, { method: 'POST', headers, body }))
}

export async function logIn(
  system: Simulator,
  realm: RealmName,
  user: { login: string; password: string }
): Promise<Login> {
  const { login, password } = user
  const reply = await call(system, realm, 'Session/login', { login, password })
  if (reply.status !== 200) throw new Error(`login of ${login}: ${reply.text}`)
  return reply.json as unknown as Login
}

export async function adminToken(system: Simulator): Promise<string> {
  return (await logIn(system, 'admin', system.users.admin())).access_token
}

/** Sends exactly this path: no URL parser tidies it up. */
export function rawPost(origin: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const req = request({ hostname, port, path, method: 'POST', headers }, (res) => {
      const response = new Response(null, { status: 200 })
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const json = text.startsWith('{') ? JSON.parse(text) : {}
        resolve({ status: res.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    req.on('error', reject)
    req.end(body)
  })
}
