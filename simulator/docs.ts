/**
 * The API reference that stands on every system's own host.
 */
import { type Answer, jsonAnswer, textAnswer } from './answers.ts'
import type { Exchange } from './calls.ts'
import { methodsIn } from './methods/index.ts'

const descriptions = /^\/doc\/api\/(\w+)Interface\.json$/

export function answerDocs({ system, target }: Exchange): Answer {
  if (target.path === '/doc/api' || target.path === '/doc/api/') {
    const items = methodsIn(system.release)
      .map((name) => `<li>${name}</li>`)
      .join('')
    const page = `<!doctype html><title>API ${system.release}</title><h1>API ${system.release}</h1><ul>${items}</ul>\n`
    return textAnswer('text/html; charset=UTF-8', page)
  }
  if (!descriptions.test(target.path)) return textAnswer('text/plain', 'Not found\n', 404)
  const paths = methodsIn(system.release).map((name) => [`/rest/${name}`, { post: { operationId: name } }])
  return jsonAnswer({
    openapi: '3.0.3',
    info: { title: 'Billing API', version: system.release },
    paths: Object.fromEntries(paths)
  })
}
