/** Answers of systems, for tests that read them. */
import type { Answer } from '../../core/answer.ts'

export const answerOf = (status: number, body: string | Buffer, headers: Answer['headers'] = {}): Answer => ({
  status,
  statusMessage: '',
  headers,
  body: Buffer.from(body as string)
})

export const faultOf = (faultcode: string, status = 500): Answer =>
  answerOf(status, JSON.stringify({ faultcode, faultstring: 'x' }))
