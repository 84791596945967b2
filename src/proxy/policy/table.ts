/**
 * Who may call one local service, as the data path asks it: a code or nothing. The decision itself is the mesh's one,
 * model/intention.ts; no object is made here either.
 */
import { compileDecisions } from '../../model/intention.ts'
import type { PolicyResource } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'

/** '' lets the caller in; a code says why not. */
export type Verdict = '' | Extract<RefusalCode, 'denied-by-intention' | 'denied-by-default'>

export interface PolicyTable {
  /** Log index of the intentions that it was made from. */
  readonly index: number
  /** `source` is the service name that the caller's certificate proved. */
  verdictOn(source: string): Verdict
}

/** Cost: one pass over the rules. */
export function compilePolicy({ index, rules, name, defaultAction }: PolicyResource): PolicyTable {
  const table = compileDecisions(rules, name, defaultAction)
  return {
    index,
    verdictOn(source) {
      const { reason } = table.decide(source)
      return reason === 'denied-by-intention' || reason === 'denied-by-default' ? reason : ''
    },
  }
}
