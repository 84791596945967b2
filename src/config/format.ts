/**
 * One line per mistake, for terminals and logs.
 * What the parts mean is told in settings.ts; who finds the mistakes, in load.ts and changes.ts.
 */
import type { ConfigError } from './settings.ts'

/** `path:line:column: what, why; remedy`. Editors and terminals jump to the place by this form. */
export function formatConfigError(error: ConfigError): string {
  return `${error.path}:${error.line}:${error.column}: ${error.what}, ${error.why}; ${error.remedy}`
}
