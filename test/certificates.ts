/** Certificates for tests: for these names, signed by an authority or by themselves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { generate } from 'selfsigned'

export interface Made {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

interface Wish {
  /** Who signs it; itself when absent. */
  readonly by?: Made
  readonly isAuthority?: boolean
  readonly from?: Date
  readonly until?: Date
}

export const dayMs = 86_400_000
export const inDays = (days: number) => new Date(Date.now() + days * dayMs)

export async function certificateFor(
  names: readonly string[],
  { by, isAuthority = by === undefined, from = inDays(-1), until = inDays(90) }: Wish = {}
): Promise<Made> {
  const altNames = names.map((name) =>
    isIP(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name }
  )
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] ?? 'nobody' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: from,
    notAfterDate: until,
    ...(by !== undefined && { ca: by }),
    extensions: [
      { name: 'basicConstraints', cA: isAuthority },
      ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : [])
    ]
  })
  return { cert: `${cert.trim()}\n`, key: `${key.trim()}\n` }
}

/** A directory that is gone with the test; `write` puts a file there and gives its name. */
export function folder(t: Pick<TestContext, 'after'>) {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-tls-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return {
    directory,
    write(name: string, text: string) {
      const file = join(directory, name)
      writeFileSync(file, text)
      return file
    }
  }
}
