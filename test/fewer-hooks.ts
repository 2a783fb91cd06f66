/**
 * Loaded before a test's process does anything: node:test follows every asynchronous step, to know whose error it is that
 * nobody catches. To follow each promise takes about a tenth of a test's CPU, so it follows all but these. A rejection that
 * nobody handles still fails its file, and is told here with its stack; what a callback throws fails its own test.
 */
import hooks from 'node:async_hooks'

const { createHook } = hooks
hooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false })
await import('node:test')
hooks.createHook = createHook

process.on('unhandledRejection', (reason) => console.error('nobody handled', reason))
