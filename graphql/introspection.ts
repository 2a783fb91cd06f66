/**
 * Whether the schema can be asked for, and what keeps it from being guessed where it cannot.
 */
import { NoSchemaIntrospectionCustomRule, type ValidationRule } from 'graphql'
import type { GraphqlSetting } from './options.ts'

export interface Openness {
  readonly isOpen: boolean
  /** For validation, besides the language's own. */
  readonly rules: readonly ValidationRule[]
  /** For validation and execution: whether their errors name what is near a wrong name. */
  readonly hideSuggestions: boolean
}

export function opennessOf({
  introspection,
  isProduction
}: Pick<GraphqlSetting, 'introspection' | 'isProduction'>): Openness {
  const isOpen = introspection ?? !isProduction
  return { isOpen, rules: isOpen ? [] : [NoSchemaIntrospectionCustomRule], hideSuggestions: !isOpen }
}

/** A message without its suggestion: errors of variables have one whatever the options say. */
export const withoutSuggestion = (message: string) => message.replace(/ Did you mean [\s\S]*\?$/, '')
