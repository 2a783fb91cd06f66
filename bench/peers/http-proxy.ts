/**
 * @fastify/http-proxy as its README shows it, without request lines in the log: what the gateway is measured against.
 * Arguments: the port of the upstream.
 */
import type { AddressInfo } from 'node:net'
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { reportReady } from './reporting.ts'

const [upstream] = process.argv.slice(2)
const app = Fastify({ logger: false })
app.register(proxy, { upstream: `http://127.0.0.1:${upstream}`, disableRequestLogging: true })
await app.listen({ host: '127.0.0.1', port: 0 })
reportReady({ http: (app.server.address() as AddressInfo).port })
