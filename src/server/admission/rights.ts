/**
 * Who may propose which command. The rules of a single action are model/access.ts; here is which actions a command is
 * made of. A host writes its own registrations only, for services of its enrollment, and never its own membership.
 */
import { authorize, type Principal } from '../../model/access.ts'
import { memberCheckId } from '../../model/check.ts'
import type { Command } from '../../model/command.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { meshNameOf, type Service, sidecarNameOf } from '../../model/service.ts'
import { isReadOperation } from '../../model/txn.ts'
import type { CommandOf } from '../apply/outcome.ts'
import { nodeNameOf } from '../apply/registration.ts'
import { commandOf } from '../apply/txn.ts'

export function checkRights(principal: Principal, command: Command): Result<true> {
  switch (command.type) {
    case 'genesis':
    case 'kv.reap':
    case 'feature.raise':
    case 'server.announce':
    case 'verify.mark':
    case 'verify.result':
    case 'enrollment.redeem':
    case 'enrollment.redeem-server':
    case 'gossip-keys.set':
    case 'root.add':
    case 'root.remove':
    case 'datacenter.federate':
    case 'datacenter.set':
      if (principal.kind === 'server') return ok(true)
      return failed('bad-token', `only a server may propose "${command.type}"`)
    case 'catalog.register':
      return checkRegister(principal, command)
    case 'catalog.deregister':
      if (command.checkId === memberCheckId && principal.kind !== 'server') return membershipIsOurs
      return authorize(principal, { kind: 'register', node: command.node })
    case 'settings.set':
    case 'config-entry.upsert':
    case 'config-entry.delete':
    case 'intention.upsert':
    case 'intention.delete':
    case 'kv.set':
    case 'kv.delete':
    case 'kv.lock':
    case 'kv.unlock':
    case 'session.create':
    case 'session.destroy':
    case 'session.renew':
    case 'enrollment.create':
    case 'host.evict':
    case 'root.activate':
    case 'datacenter.remove':
    case 'autopilot.set':
    case 'restore.begin':
    case 'restore.piece':
    case 'restore.commit':
    case 'restore.abort':
      return authorize(principal, { kind: 'operate' })
    case 'txn':
      return checkTxn(principal, command)
  }
}

/** An operation may do what the command may that does the same alone. */
function checkTxn(principal: Principal, { operations }: CommandOf<'txn'>): Result<true> {
  const allowed = authorize(principal, { kind: 'operate' })
  if (!allowed.ok) return allowed
  for (const operation of operations) {
    if (operation.kind === 'kv' || isReadOperation(operation)) continue
    const alone = checkRights(principal, commandOf(operation))
    if (!alone.ok) return alone
  }
  return ok(true)
}

const membershipIsOurs = failed('bad-token', `only servers write the check "${memberCheckId}"`)

function checkRegister(principal: Principal, command: CommandOf<'catalog.register'>): Result<true> {
  const node = nodeNameOf(command)
  const own = authorize(principal, { kind: 'register', node })
  if (!own.ok) return own
  if (principal.kind === 'host' && typeof command.node !== 'string' && command.node.id !== principal.nodeId)
    return failed('bad-token', `node "${node}" is enrolled with another id than "${command.node.id}"`)
  for (const service of command.services) {
    const allowed = checkService(principal, node, service)
    if (!allowed.ok) return allowed
  }
  if (principal.kind !== 'server' && command.checks.some((check) => check.checkId === memberCheckId))
    return membershipIsOurs
  return ok(true)
}

/**
 * A sidecar needs the right to the service that it stands for, and to its own name unless that is the usual one: else a
 * host could appear under the name of a service that it may not be.
 */
function checkService(principal: Principal, node: string, service: Service): Result<true> {
  if (service.kind !== 'connect-proxy')
    return authorize(principal, { kind: 'register', node, service: service.name })
  const standsFor = meshNameOf(service)
  const allowed = authorize(principal, { kind: 'register', node, service: standsFor })
  if (!allowed.ok || service.name === sidecarNameOf(standsFor)) return allowed
  return authorize(principal, { kind: 'register', node, service: service.name })
}
