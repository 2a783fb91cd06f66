/**
 * The description of a SOAP service (WSDL 1.1, document style): what SOAP packages ask for before their first call. It
 * names the calls that are most used and their commonest members; records take any others too.
 */
import { type Answer, textAnswer } from './answers.ts'
import type { Exchange } from './calls.ts'

type Members = readonly string[] | { readonly record: string; readonly members: readonly string[] }

const session = ['access_token', 'session_id']
const customer = ['i_customer', 'name', 'login', 'bill_status', 'city', 'note']
const opened = ['session_id', 'access_token', 'refresh_token', 'expires_at', 'expires_in']
const page = ['limit', 'offset', 'get_total']

interface Described {
  readonly asks: Members
  readonly answers: Members
}

const services: Readonly<Record<string, Readonly<Record<string, Described>>>> = {
  Session: {
    login: { asks: ['login', 'password', 'token'], answers: opened },
    ping: { asks: session, answers: ['user_id'] },
    refresh_access_token: { asks: ['refresh_token'], answers: opened },
    logout: { asks: session, answers: ['success'] },
    set_session_context: { asks: ['context'], answers: ['success'] }
  },
  Customer: {
    get_customer_info: {
      asks: ['i_customer', 'name', 'login', 'refnum'],
      answers: { record: 'customer_info', members: customer }
    },
    get_customer_list: { asks: [...page, 'name'], answers: { record: 'customer_list', members: [] } },
    update_customer: { asks: { record: 'customer_info', members: customer }, answers: ['i_customer'] }
  }
}

const element = (name: string) => `<xsd:element name="${name}" type="xsd:string" minOccurs="0" nillable="true"/>`

function elements(members: Members): string {
  if (!('record' in members)) return members.map(element).join('')
  const inner = `${members.members.map(element).join('')}<xsd:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`
  return `<xsd:element name="${members.record}"><xsd:complexType><xsd:sequence>${inner}</xsd:sequence></xsd:complexType></xsd:element>`
}

const typeOf = (name: string, members: Members) =>
  `<xsd:element name="${name}"><xsd:complexType><xsd:sequence>${elements(members)}</xsd:sequence></xsd:complexType></xsd:element>`
const messageOf = (name: string) => `<message name="${name}"><part name="parameters" element="tns:${name}"/></message>`

/** Null for a service that has no description. */
function wsdlOf(service: string, location: string): string | null {
  const described = Object.hasOwn(services, service) ? services[service] : undefined
  if (described === undefined) return null
  const space = `urn:billing:${service}`
  const calls = Object.entries(described)
  const each = (make: (name: string, described: Described) => string) =>
    calls.map(([name, described]) => make(name, described)).join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>
<definitions name="${service}" targetNamespace="${space}" xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="${space}" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<types><xsd:schema targetNamespace="${space}">
${each((name, { asks, answers }) => typeOf(name, asks) + typeOf(`${name}Response`, answers))}
</xsd:schema></types>
${each((name) => messageOf(name) + messageOf(`${name}Response`))}
<portType name="${service}PortType">
${each((name) => `<operation name="${name}"><input message="tns:${name}"/><output message="tns:${name}Response"/></operation>`)}
</portType>
<binding name="${service}Binding" type="tns:${service}PortType"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
${each((name) => `<operation name="${name}"><soap:operation soapAction="${space}#${name}"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>`)}
</binding>
<service name="${service}"><port name="${service}Port" binding="tns:${service}Binding"><soap:address location="${location}"/></port></service>
</definitions>
`
}

export function answerWsdl({ req, target }: Exchange): Answer {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http'
  const wsdl = wsdlOf(target.service ?? '', `${scheme}://${req.headers.host}/soap/${target.service}`)
  return wsdl === null ? textAnswer('text/plain', 'Not found\n', 404) : textAnswer('text/xml; charset=UTF-8', wsdl)
}
