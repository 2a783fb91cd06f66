/**
 * A process that writes to a store's file, to be killed.
 */
import { createFileBackend } from '../../../plugins/store/file/index.ts'

const backend = createFileBackend(process.argv[2] ?? '')
const set = (key: string, value: string) => backend.write('p', [{ key, value, ttlMs: 3_600_000 }])

await backend.open({ onChanged() {}, onTold() {}, onHears() {}, onLost() {} })
await set('a', '1')
process.on('message', () => set('b', '2'))
process.send?.('ready')
