/**
 * What a deployment may say of the console.
 */
import { type Static, Type } from '../../core/schema.ts'
import { isSingleHome, type RealmName, realmNames } from '../../core/words.ts'

const DualRealm = Type.Unsafe<RealmName>(
  Type.Union(realmNames.filter((realm) => !isSingleHome(realm)).map((realm) => Type.Literal(realm)))
)

export const ConsoleOptions = Type.Object(
  {
    account: Type.Optional(
      Type.Object(
        {
          realm: DualRealm,
          login: Type.String({ minLength: 1, description: 'Its login, the same on both systems.' }),
          password: Type.String({ minLength: 1, description: 'Its password.' })
        },
        { additionalProperties: false, description: 'A service login that may read lists on both systems.' }
      )
    )
  },
  { additionalProperties: false }
)
export type ConsoleOptions = Static<typeof ConsoleOptions>
