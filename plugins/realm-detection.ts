/**
 * realm-detection
 * Adds  the realm and, on a versioned host, the pinned system to `request.place`; `app.namedPlaces`, the hosts that are
 *       named in full.
 * Needs nothing.
 * Off   every request is in the default realm.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Fault } from '../core/faults.ts'
import { createRealmLookup, namedPlaces, type Place, type RealmHosts } from '../core/hosts.ts'
import { type Static, Type } from '../core/schema.ts'
import { listenerRealm, type RealmName, type System } from '../core/words.ts'

export const RealmDetectionOptions = Type.Object({}, { additionalProperties: false })

declare module 'fastify' {
  interface FastifyInstance {
    /** The gateway's own hosts, wildcards aside. */
    namedPlaces: ReadonlyMap<string, Place>
  }
}

interface Setting extends Static<typeof RealmDetectionOptions> {
  readonly realms: RealmHosts
  readonly releases: Readonly<Record<System, string>>
  readonly defaultRealm: RealmName | undefined
}

async function realmDetection(app: FastifyInstance, { realms, releases, defaultRealm }: Setting) {
  const placeOf = createRealmLookup(realms, releases)
  const placeOfDefault = defaultRealm === undefined ? undefined : { realm: defaultRealm, pinned: null }

  app.decorate('namedPlaces', namedPlaces(realms, releases))

  app.addHook('onRequest', function detectRealm(request: FastifyRequest, _reply: FastifyReply, done) {
    const place = placeOf(request.host)
    const fixed = request.raw[listenerRealm]
    const found = fixed === undefined ? (place ?? placeOfDefault) : { realm: fixed, pinned: place?.pinned ?? null }
    if (found === undefined) {
      done(new Fault('unknown_realm'))
      return
    }
    request.place = found
    done()
  })
}

export default fp(realmDetection, { name: 'realm-detection', fastify: '5.x', dependencies: ['way'] })
