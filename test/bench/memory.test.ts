import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBench } from './run.ts'

// Whether it works, never how fast: that depends on who else uses the machine.
test('bench: memory moves files both ways and tells the rise', async (t) => {
  const { code, output, errors } = await runBench(t, ['memory', '--megabytes', '4'])
  assert.equal(code, 0, errors + output)
  assert.match(output, /^\| 4 MB +\| before MB \| peak MB/m)
  for (const transfer of ['upload ', 'upload, a slow system', 'download ', 'download, a slow client']) {
    assert.ok(output.includes(`\n| ${transfer}`), `${transfer} has a row`)
  }
  assert.match(output, /^highest rise of the resident memory .* MB, below the limit of 30 MB$/m)
})
