/**
 * GraphiQL's HTML page, and what a browser may do with it.
 */

/** Where the browser finds things; paths of this host. */
export interface Places {
  /** The GraphQL endpoint. */
  readonly endpoint: string
  /** The page itself; its assets are below. */
  readonly path: string
}

/**
 * Nothing comes from another host and nothing goes to one. The exceptions are those of the editor, Monaco:
 * - style-src 'unsafe-inline': it places its lines by style attributes and keeps its colours in style elements
 * - font-src and img-src data: the fonts, icons and squiggles are inside the style sheet
 * Its workers are modules of this host, so it needs neither blob: nor 'unsafe-eval'. A subscription's WebSocket is 'self', too.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

const escapeAttribute = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

export function pageOf({ endpoint, path }: Places): string {
  const assets = escapeAttribute(path)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL - WebDispatcher</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${assets}/graphiql.css">
<style>html, body, #graphiql { height: 100%; margin: 0 }</style>
<script type="module" src="${assets}/client.js"></script>
</head>
<body><div id="graphiql" data-endpoint="${escapeAttribute(endpoint)}">GraphiQL is loading; it needs JavaScript.</div></body>
</html>
`
}
