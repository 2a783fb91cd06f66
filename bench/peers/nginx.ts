/**
 * nginx with one worker, routing by the cookie as a plain web server can: the floor of what a proxy costs.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../fleet/ports.ts'
import { openSocket } from '../answers.ts'
import { type Crew, hasProc, type Listening } from '../children.ts'
import type { Ready } from './reporting.ts'
import { findTool } from './tools.ts'

/** The nginx of PATH; null when there is none, or no way to read what it uses. */
export const findNginx = (): string | null => (hasProc ? findTool('nginx') : null)

const configOf = (port: number, { source, target }: Ready['ports']) => `
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream source { server 127.0.0.1:${source}; keepalive 128; keepalive_requests 1000000; }
  upstream target { server 127.0.0.1:${target}; keepalive 128; keepalive_requests 1000000; }
  map $cookie_pb_dispatch $system { authorized-by-remote source; default target; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://$system;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`

export async function startNginx(file: string, crew: Crew, upstream: Ready['ports']): Promise<Listening> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-nginx-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const port = await freePort()
  const config = join(directory, 'nginx.conf')
  writeFileSync(config, configOf(port, upstream))
  const measured = crew.adopt(spawn(file, ['-p', directory, '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] }))
  for (let tries = 100; ; tries--) {
    try {
      const socket = await openSocket(port)
      socket.destroy()
      return { ...measured, ports: { http: port } }
    } catch (error) {
      if (tries === 0) throw error
      await delay(50)
    }
  }
}
