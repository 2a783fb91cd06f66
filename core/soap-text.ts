/**
 * SOAP as the gateway writes it.
 */

const inMarkup: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text for XML or HTML. */
export const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => inMarkup[character] ?? character)

export const soapType = 'text/xml; charset=utf-8'

const envelope = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${content}</soap:Body></soap:Envelope>\n`

export const soapFault = (faultcode: string, faultstring: string): string =>
  envelope(
    `<soap:Fault><faultcode>${escapeMarkup(faultcode)}</faultcode><faultstring>${escapeMarkup(faultstring)}</faultstring></soap:Fault>`
  )

/** `{"success": 1}` as the answer of a method, whose name has been checked for its alphabet. */
export const soapSuccess = (method: string): string =>
  envelope(`<${method}Response><success>1</success></${method}Response>`)
