/**
 * Who may make this host run a program. A script check is remote execution for whoever may register it, so it is
 * refused unless the operator said otherwise; files on the host are trusted apart from the HTTP API.
 */
import type { CheckDefinition } from '../../model/check.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import type { RegistrationSource } from '../contract.ts'

export interface ScriptPolicy {
  /** `enable_script_checks`: from files and the HTTP API. */
  readonly everywhere: boolean
  /** `enable_local_script_checks`: from files only. */
  readonly files: boolean
}

export function checkScripts(
  checks: readonly CheckDefinition[],
  source: RegistrationSource,
  policy: ScriptPolicy,
): Result<true> {
  if (policy.everywhere || (policy.files && source === 'file')) return ok(true)
  const script = checks.find(({ probe }) => probe.type === 'script' || probe.type === 'docker')
  if (script === undefined) return ok(true)
  return failed(
    'bad-request',
    policy.files
      ? `check "${script.checkId}": Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true`
      : `check "${script.checkId}": Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true`,
  )
}
