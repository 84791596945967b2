/**
 * Who asks, and what they may do. Every RPC and every log entry carries its principal; this file holds the rules,
 * and programs hold the means to find out who it is. Consul's ACL model later only widens the resolver.
 */
import { failed, ok, type Result } from './errors.ts'

export type Principal =
  /** Holds an operator token: may change intentions, config entries, enrollments, any registration. */
  | { readonly kind: 'operator'; readonly name: string }
  /** Holds the registered key of an enrolled host: may register what its enrollment allows, on itself only. */
  | {
      readonly kind: 'host'
      readonly node: string
      readonly nodeId: string
      /** Service names, `*` for any; a trailing `*` matches a prefix. */
      readonly services: readonly string[]
    }
  /** A server acting for the cluster (membership checks, settings, genesis). */
  | { readonly kind: 'server'; readonly node: string }
  /** No proof of anything: may read what is readable, and enroll. */
  | { readonly kind: 'anonymous' }

export const anonymous: Principal = { kind: 'anonymous' }

export type Action =
  | { readonly kind: 'operate' }
  | { readonly kind: 'register'; readonly node: string; readonly service?: string }
  | { readonly kind: 'read' }

/** `service` of an action is the mesh name: for a sidecar, the service it stands for. */
export function authorize(principal: Principal, action: Action): Result<true> {
  switch (action.kind) {
    case 'read':
      return ok(true)
    case 'operate':
      if (principal.kind === 'operator' || principal.kind === 'server') return ok(true)
      return failed('bad-token', 'this change needs an operator token')
    case 'register':
      return authorizeRegistration(principal, action)
  }
}

function authorizeRegistration(
  principal: Principal,
  action: { readonly node: string; readonly service?: string },
): Result<true> {
  if (principal.kind === 'operator' || principal.kind === 'server') return ok(true)
  if (principal.kind !== 'host') return failed('not-enrolled', 'registering needs an enrolled host')
  if (principal.node !== action.node)
    return failed('bad-token', `host "${principal.node}" may not write the registrations of "${action.node}"`)
  if (action.service !== undefined && !allowsService(principal.services, action.service))
    return failed(
      'service-not-allowed',
      `host "${principal.node}" is not enrolled for service "${action.service}"; its enrollment names: ${principal.services.join(', ') || 'none'}`,
    )
  return ok(true)
}

export function allowsService(patterns: readonly string[], service: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? service.startsWith(pattern.slice(0, -1)) : pattern === service,
  )
}

/** How a principal is named in logs and in the log entry: never a token. */
export function principalName(principal: Principal): string {
  switch (principal.kind) {
    case 'operator':
      return `operator:${principal.name}`
    case 'host':
      return `host:${principal.node}`
    case 'server':
      return `server:${principal.node}`
    case 'anonymous':
      return 'anonymous'
  }
}
