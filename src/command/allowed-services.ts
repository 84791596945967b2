/** What a host may be, in words: for `mesh token create` and `mesh enroll`. */

export function mayBe(services: readonly string[]): string {
  if (services.length === 0) return 'as no service: a token with -service says what a host may be'
  return `as ${services.map((name) => (name === '*' ? 'any service' : name)).join(', ')}`
}
