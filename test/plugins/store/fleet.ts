/** Processes that share a store, all in this one: a memory that each of them reaches by a wire that can be cut. */
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { Backend, Hearing } from '../../../plugins/store/backend.ts'
import { createGuard } from '../../../plugins/store/guard.ts'
import { createMemoryBackend } from '../../../plugins/store/memory.ts'
import { createSharedStore } from '../../../plugins/store/shared.ts'

/** How the wire is: good, refusing, or silent until it is another. */
type Wire = 'good' | 'broken' | 'silent'

export function createFleet(t: TestContext) {
  const memory = createMemoryBackend()
  const hearers = new Set<Hearing>()
  const { log } = Fastify({ logger: false })

  function createProcess(purpose = 'records', lasting = true, notesAbsence = false) {
    let wire: Wire = 'good'
    let cut = Promise.withResolvers<void>()
    const asked = { reads: 0, writes: 0 }
    async function pass() {
      if (wire === 'broken') throw new Error('broken')
      if (wire === 'silent') await cut.promise
    }
    const hearing: Hearing = {
      onChanged: (of, keys) => of === purpose && shared.heardOf(keys),
      onTold: (of, text) => of === purpose && shared.toldBy(text),
      onHears: (hears) => shared.hears(hears),
      onLost() {}
    }
    const others = () => [...hearers].filter((one) => one !== hearing)
    const backend: Backend = {
      ...memory,
      isShared: true,
      async get(...args) {
        asked.reads++
        await pass()
        return memory.get(...args)
      },
      async write(of, changes, onlyNew) {
        asked.writes++
        await pass()
        await memory.write(of, changes, onlyNew)
        for (const { onChanged } of others())
          onChanged(
            of,
            changes.map(({ key }) => key)
          )
      },
      async clear(of) {
        await pass()
        await memory.clear(of)
        for (const { onChanged } of others()) onChanged(of, null)
      },
      async increment(...args) {
        await pass()
        return memory.increment(...args)
      },
      async tell(of, text) {
        await pass()
        for (const { onTold } of others()) onTold(of, text)
      }
    }
    const guard = createGuard(backend, log)
    const shared = createSharedStore(purpose, { lasting, notesAbsence }, backend, guard)
    hearers.add(hearing)
    shared.hears(true)
    t.after(guard.close)
    return {
      ...shared,
      guard,
      asked,
      /** What is silent goes on, unless it is to stay so. */
      setWire(next: Wire, goesOn = true) {
        wire = next
        if (!goesOn) return
        cut.resolve()
        cut = Promise.withResolvers<void>()
      }
    }
  }

  return { memory, createProcess }
}
