/**
 * What the gateway's words mean, in sentences for operators.
 */

export const realms = {
  admin: 'admin',
  reseller: 'reseller',
  customer: 'customer',
  account: 'account',
  cc_staff: 'cc_staff',
  distributor: 'distributor',
  representative: 'representative'
}

export const families = { billing: 'Billing', portasip: 'PortaSIP', callcontrol: 'Call control', page: 'Pages' }

export const reasons = {
  versioned_host: 'Its host names the system.',
  login:
    'A login asks the target first, in a realm of administrators both. So does a refresh token nobody can be asked about.',
  login_hint: 'This login succeeded on the source last time, so the source is asked first.',
  login_forwarded: 'The system that was asked first refused the login or was unavailable.',
  session_record: 'The gateway remembers this session.',
  token_signature: 'The access token is signed by that system’s key.',
  routing_cookie: 'The browser’s routing cookie says so.',
  asked: 'The systems were asked, and that one knows the session.',
  unknown_credential: 'The systems were asked, and neither knows the session: the target refuses it.',
  no_credential: 'It shows no session at all, so it goes to the target.',
  unasked: 'The gateway does not remember this session. A real request would ask the systems whose it is.',
  context: 'The client asked for that system by itself.',
  handed_over:
    'Its customer has moved: the session that was left behind has ended, and the page is the one of where the customer is.',
  merged_list: 'It asks for a list of everybody: both systems are asked, and their lists merged.',
  joined: 'It asks for a WebSocket, and its session lives on both systems: it hears both.',
  entity_location: 'The customer or account that it names is active there.',
  unlocated: 'It names a customer or account whose place is not known. A real request would ask the systems.',
  default_target: 'Its session lives on both systems and nothing else decides, so it goes to the target.',
  target_unavailable: 'It shows no session, and the target gave no page: the source does instead.',
  redirect: 'Its host is given up: the browser is sent to the new one.',
  graphql: 'It is for the GraphQL view, whose fields each go where a call would go.'
}

/** How a place is known; the last part of a sentence. */
export const evidence = {
  told: 'from the last word about its move',
  found: 'from an earlier look at both systems',
  asked: 'both systems were asked just now',
  hint: 'this login last succeeded there, which is a hint and no more',
  unknown: 'it is not known'
}

export const errorKinds = {
  unavailable: 'unavailable',
  no_connection: 'no connection',
  timeout: 'timeout',
  reset: 'reset',
  broken_off: 'broken off'
}

export const breakers = {
  off: 'breaker off',
  closed: 'breaker closed',
  half_open: 'breaker half open',
  open: 'breaker open'
}

export const breakerMeaning = {
  off: 'The circuit-breaker plugin is switched off.',
  closed: 'Requests are sent.',
  half_open: 'It is being tried with single requests.',
  open: 'Requests are refused at once, until a trial succeeds.'
}

export const transitions = {
  up: 'up',
  down: 'down',
  closed: 'breaker closed',
  half_open: 'breaker half open',
  open: 'breaker open'
}

/** What was told of a move. */
export const moves = { started: 'started', finished: 'finished', failed: 'failed' }

/** How a move is known, where nobody told it here. */
export const tellers = { event: 'event', found: 'seen', expired: 'time up' }
