/** Real PEM texts for configs that name files. */
import { generate } from 'selfsigned'

const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })

export const pems = { certificate: made.cert, privateKey: made.private, publicKey: made.public }
