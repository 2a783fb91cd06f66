/**
 * docs/graphql.md as tests read it: its queries and commands, each with the variables and the answer that stand below it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const page = readFileSync(join(import.meta.dirname, '../../docs/graphql.md'), 'utf8')

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A query or a command of the page, with what stands below it. */
export interface Step {
  readonly title: string
  readonly language: string
  readonly text: string
  variables?: { readonly [key: string]: Json }
  answer?: Json
  /** What the page says right before the answer. */
  label?: string
}

const lastParagraph = (text: string) => text.trim().split('\n\n').at(-1)?.replaceAll('\n', ' ') ?? ''

/** The blocks of the page in their order; of JSON those that the line above calls variables or an answer. */
function stepsOf(document: string): Step[] {
  const steps: Step[] = []
  let title = ''
  for (const [, before = '', language = '', text = ''] of document.matchAll(/([\s\S]*?)^```(\w+)\n([\s\S]*?)^```$/gm)) {
    title = [...before.matchAll(/^#+ (.+)$/gm)].at(-1)?.[1] ?? title
    const label = lastParagraph(before)
    const step = steps.at(-1)
    if (language !== 'json') steps.push({ title, language, text })
    else if (step !== undefined && /\bvariables:$/.test(label)) step.variables = JSON.parse(text)
    else if (step !== undefined && /\banswer\b.*:$/.test(label))
      Object.assign(step, { answer: JSON.parse(text), label })
  }
  return steps
}

export const steps = stepsOf(page)
export const sectionOf = (title: string) =>
  page.split(/^#+ /m).find((text) => text.startsWith(`${title}\n`)) ?? assert.fail(`there is no "${title}"`)
export const titled = (title: string) => steps.filter((step) => step.title === title)

/** What differs each time. */
const anything = '…'

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An answer with what the page leaves open left open. */
function leftOpen(answer: Json, shown: Json | undefined): Json {
  if (shown === anything && answer !== null) return anything
  if (Array.isArray(answer) && Array.isArray(shown)) return answer.map((one, at) => leftOpen(one, shown[at]))
  if (!isObject(answer) || !isObject(shown)) return answer
  return Object.fromEntries(Object.entries(answer).map(([key, one]) => [key, leftOpen(one, shown[key])]))
}

/** Errors come in no order, and where they stand in the query is not shown. */
function asShown(answer: Json): Json {
  if (!isObject(answer) || !Array.isArray(answer.errors)) return answer
  const errors = (answer.errors as { path: string[] }[]).map(({ locations: _, ...one }: Record<string, Json>) => one)
  return { ...answer, errors: errors.toSorted((a, b) => (String(a?.path) < String(b?.path) ? -1 : 1)) }
}

/** An answer must be the one that the page shows. */
export function assertShown(answer: unknown, step: Step) {
  const shown = step.answer ?? assert.fail(`the page has no answer to ${step.text}`)
  assert.deepEqual(leftOpen(asShown(answer as Json), shown), shown)
}
