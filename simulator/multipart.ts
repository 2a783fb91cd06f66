/**
 * Multipart bodies: fields are kept, files are counted and hashed as they stream past, never buffered.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { fault } from './api-fault.ts'
import type { OpenEntry } from './journal.ts'

export interface UploadedFile {
  field: string
  filename: string
  mimeType: string
  bytes: number
  sha256: string
}

export interface MultipartContent {
  fields: Map<string, string>
  files: UploadedFile[]
}

export function readMultipart(req: IncomingMessage, type: string, open: OpenEntry | null): Promise<MultipartContent> {
  return new Promise((resolve, reject) => {
    const content: MultipartContent = { fields: new Map(), files: [] }
    const parser = parserOf({ ...req.headers, 'content-type': type }, content)
    const refuse = () => {
      // The rest of the body is read to its end: a reset would hide the answer from the client.
      req.unpipe(parser)
      req.resume()
      reject(fault('Client.malformed_request'))
    }
    parser.on('error', refuse)
    parser.on('finish', () => resolve(content))
    req.on('data', (chunk: Buffer) => open?.bodyChunk(chunk))
    req.on('end', () => open?.bodyEnd())
    req.on('error', reject)
    req.pipe(parser)
  })
}

function parserOf(headers: BusboyHeaders, { fields, files }: MultipartContent) {
  const parser = createParser(headers)
  parser.on('field', (name, value) => fields.set(name, value))
  parser.on('file', (field, stream, filename, _encoding, mimeType) => {
    const file: UploadedFile = { field, filename: filename ?? '', mimeType, bytes: 0, sha256: '' }
    const hash = createHash('sha256')
    files.push(file)
    stream.on('data', (chunk: Buffer) => {
      file.bytes += chunk.length
      hash.update(chunk)
    })
    stream.on('end', () => {
      file.sha256 = hash.digest('hex')
    })
  })
  return parser
}

/** The constructor throws on a type without a boundary. */
function createParser(headers: BusboyHeaders) {
  try {
    return new Busboy({ headers, limits: { fieldSize: 16_777_216 } })
  } catch {
    throw fault('Client.malformed_request')
  }
}
