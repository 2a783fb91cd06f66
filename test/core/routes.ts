/** Routes for tests that need one and test something else. */
import { type Call, noCall, type Route } from '../../core/words.ts'

export const rest = (call: string, inPath: Call = noCall): Route => {
  const [service = '', method = ''] = call.split('/')
  return { family: 'billing', wire: 'rest', service, method, inPath }
}
export const soap = (call: string): Route => ({ ...rest(call), wire: 'soap' })
export const plain: Route = { family: 'billing', wire: 'plain', service: '', method: '', inPath: noCall }
export const page: Route = { family: 'page', wire: 'page', service: '', method: '', inPath: noCall }

/** What a call says, without the text of its params. */
export type Said = Pick<Call, 'authInfo' | 'params'>
export const said = ({ authInfo, params }: Call): Said => ({ authInfo, params })
