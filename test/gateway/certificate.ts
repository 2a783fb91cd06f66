/** A certificate for the listeners of a test file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { generate } from 'selfsigned'

/** Its files are there from before the file's tests until after them. */
export function createCertificate() {
  const files = { cert: '', key: '' }
  let directory = ''
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'webdispatcher-tls-'))
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }])
    files.cert = join(directory, 'cert.pem')
    files.key = join(directory, 'key.pem')
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
  })
  after(() => rmSync(directory, { recursive: true }))
  return files
}
