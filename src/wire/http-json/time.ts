/**
 * Points in time as Go writes them in JSON (RFC 3339, no trailing zeros in the fraction), because clients compare these
 * texts. Durations are in model/duration.ts.
 */

/** `ms` since the epoch as "2026-03-01T12:00:00.5Z"; the fraction is left away where it is zero. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z')
}
