/** What an alias check says about its target, in Consul's words; the same for targets here and on other hosts. */
import type { Check } from '../../model/check.ts'
import type { ProbeOutcome } from './probe-run.ts'

/** Worst of `checks`, which are the target service's and its node's. The first critical one is named. */
export function aliasOutcome(checks: Iterable<Pick<Check, 'name' | 'status' | 'output'>>): ProbeOutcome {
  let outcome: ProbeOutcome = { status: 'passing', output: 'No checks found.' }
  for (const { name, status, output } of checks) {
    if (status === 'passing') {
      if (outcome.status === 'passing') outcome = { status, output: 'All checks passing.' }
      continue
    }
    outcome = { status, output: `Aliased check "${name}" failing: ${output}` }
    if (status === 'critical') break
  }
  return outcome
}

export function missingTarget(serviceId: string, node: string): ProbeOutcome {
  return { status: 'critical', output: `Service ${serviceId} could not be found on node ${node}` }
}
