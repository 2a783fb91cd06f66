/**
 * Why a gateway could not start, in one line: what, and what to do.
 */
export function explainFailure(error: unknown): string {
  const { code, name, address, port, message, stack } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE') return `${address}:${port} is in use: stop what listens there, or choose another port`
  if (code === 'EACCES' && port !== undefined) return `${address}:${port} may not be bound by this user`
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${message}\nTry --help.`
  return name === 'ConfigError' ? message : (stack ?? String(error))
}
