/**
 * What is made when it is wanted for the first time. When that fails it is tried anew by the next who wants it.
 */
export function lazily<Made>(make: () => Promise<Made>) {
  let made: Promise<Made> | null = null

  async function attempt(): Promise<Made> {
    try {
      return await make()
    } catch (error) {
      made = null
      throw error
    }
  }

  return {
    get(): Promise<Made> {
      made ??= attempt()
      return made
    },
    /** Null where nothing was made. */
    async ifMade(): Promise<Made | null> {
      return made?.catch(() => null) ?? null
    }
  }
}
