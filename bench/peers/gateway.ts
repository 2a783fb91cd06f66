/**
 * The gateway as it runs in production: every plugin that is on by default, the access line written.
 * Arguments: the ports of the source and of the target, and as JSON what the config has beyond the usual one.
 */
import '../../gateway/runtime.ts'
import { devNull } from 'node:os'
import { parseConfig } from '../../gateway/config.ts'
import { createLog } from '../../gateway/log.ts'
import { startGateway } from '../../gateway/running.ts'
import { adminHost, host } from '../wire.ts'
import { reportReady } from './reporting.ts'

const [source, target, overrides = '{}'] = process.argv.slice(2)
const config = parseConfig(
  {
    listen: [{ host: '127.0.0.1', port: 0 }],
    ops: { port: 0 },
    secret: 'only for measuring, on loopback alone',
    realms: { customer: { hosts: [host] }, admin: { hosts: [adminHost] } },
    systems: {
      source: { release: 'MR100', url: `http://127.0.0.1:${source}` },
      target: { release: 'MR115', url: `http://127.0.0.1:${target}` }
    },
    ...(JSON.parse(overrides) as object)
  },
  { directory: import.meta.dirname, env: {} }
)
const gateway = await startGateway(config, createLog(config, { file: devNull }))
reportReady({ http: gateway.addresses[0]?.port ?? 0, ops: Number(new URL(gateway.opsUrl).port) })
