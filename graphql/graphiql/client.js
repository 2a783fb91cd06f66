/**
 * What runs in the browser: GraphiQL with the endpoint that the page names. It reaches the browser through bundle.ts alone,
 * so it is JavaScript: the gateway's own types know no browser.
 */
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'

const welcome = `# Queries, mutations and subscriptions over both systems.
# Give your token as a header, below, and fetch the schema again:
# {"Authorization": "Bearer ..."}
`

const workers = { graphql: 'graphql.worker.js', json: 'json.worker.js' }
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    return new Worker(new URL(workers[label] ?? 'editor.worker.js', import.meta.url), { type: 'module', name: label })
  }
}

const place = document.getElementById('graphiql')
const endpoint = new URL(place.dataset.endpoint, location.href).href
const send = createGraphiQLFetcher({
  url: endpoint,
  subscriptionUrl: endpoint.replace(/^http/, 'ws'),
  enableIncrementalDelivery: false
})

/** A subscription has the headers as its connectionParams, where, unlike in HTTP, the case of a name counts. */
function withOneSpelling(headers = {}) {
  const named = Object.entries(headers).map(([name, value]) => [
    name.replace(/^authorization$/i, 'Authorization'),
    value
  ])
  return Object.fromEntries(named)
}

createRoot(place).render(
  createElement(
    GraphiQL,
    {
      fetcher: (query, options) => send(query, { ...options, headers: withOneSpelling(options?.headers) }),
      initialQuery: new URLSearchParams(location.search).get('query') ?? undefined,
      defaultQuery: welcome,
      defaultEditorToolsVisibility: 'headers',
      // A token must not stay behind in the browser, and the history, a plugin, would keep it in spite of the first line.
      shouldPersistHeaders: false,
      plugins: []
    },
    createElement(GraphiQL.Logo, null, 'WebDispatcher')
  )
)
