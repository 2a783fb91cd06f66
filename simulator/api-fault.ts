/**
 * Faults as the systems word them: HTTP 500 with a faultcode and a sentence.
 */
const sentences = {
  'Server.Session.auth_failed': 'The login or password is incorrect. Please check that Caps Lock is off and try again',
  'Server.Session.cannot_login_brute_force_activity': 'Too many failed logins, try again later',
  'Server.Session.alert_You_must_change_password': 'You must change your password',
  'Server.Session.check_auth.auth_failed': 'The session does not exist or has ended',
  'Client.check_auth.envelope_missed': 'No credentials were given',
  'Client.Session.check_auth.failed_to_process_jwt': 'The token cannot be parsed',
  'Client.Session.check_auth.failed_to_process_access_token': 'The token is expired or unknown',
  'Client.Session.ping.failed_to_process_access_token': 'The token cannot be processed',
  'Client.malformed_request': 'The request cannot be read',
  'Server.Account.duplicate_id': 'An account with this ID exists already',
  'Server.Account.not_found': 'There is no such account',
  'Server.Account.exported': 'The account has been exported to another system',
  'Server.AccessControl.empty_rec_and_bcc': 'There is no address to send the password to',
  'Server.AccessControl.verify_otp.wrong_password': 'The one-time password is wrong or has expired',
  'Server.CallControl.sip.disabled_api_notifications': 'Notifications are not enabled in this session',
  'Server.CallControl.get_sip_calls_list.access_denied': 'The call list is not available to this role',
  'Server.CallControl.call_not_found': 'There is no such call',
  'Server.Customer.duplicate_name': 'A customer with this name exists already',
  'Server.Customer.not_found': 'There is no such customer',
  'Server.Customer.exported': 'The customer has been exported to another system',
  'Server.Invoice.not_found': 'There is no such invoice',
  'Server.CDR.not_found': 'There is no such record',
  standalone_mode: 'The site runs in standalone mode',
  secondary_site: 'This is the secondary site',
  read_only_mode: 'The site is in read-only mode',
  'pb_delta.connection_failed': 'The reserve database cannot be reached'
} as const

export type KnownFaultcode = keyof typeof sentences

export class ApiFault extends Error {
  override readonly name = 'ApiFault'
  readonly faultcode: string

  constructor(faultcode: string, sentence: string) {
    super(sentence)
    this.faultcode = faultcode
  }
}

export function fault(faultcode: KnownFaultcode): ApiFault {
  return new ApiFault(faultcode, sentences[faultcode])
}

/** A fault named after the call that it refuses: `Server.Customer.get_customer_list.access_denied`. */
export function callFault(side: 'Client' | 'Server', call: string, what: string, sentence: string): ApiFault {
  return new ApiFault(`${side}.${call.replace('/', '.')}.${what}`, sentence)
}
