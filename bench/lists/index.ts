/**
 * What merged lists cost: pages at any depth of a list that two systems share, and the merging of two pages.
 */
import { createCrew } from '../children.ts'
import { surroundings } from '../table.ts'
import { measureMerging } from './merging.ts'
import { measurePaging, type PagingOptions, placesOf } from './paging.ts'
import { startStage } from './stage.ts'

/** Gives whether calls, rows and the ratio stayed within their limits; throws when a page is wrong. */
export async function benchLists(options: PagingOptions, print: (text: string) => void): Promise<boolean> {
  const { customers, rounds } = options
  print(`\n# lists\n${surroundings('lists', `--customers ${customers} --rounds ${rounds}`)}`)
  const places = placesOf(options)
  const crew = createCrew()
  try {
    const stage = await startStage(crew, customers)
    print('median (least-most) of all pages; for the CPU the mean, and the least and the most of a round\n')
    const isFlat = await measurePaging(stage, places, options, print)
    print('\nmerging alone: median (least-most) of the batches; the ratio is taken within each batch\n')
    const isCheap = await measureMerging(stage, rounds, print)
    return isFlat && isCheap
  } finally {
    await crew.dismiss()
  }
}
