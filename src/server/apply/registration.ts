/**
 * What must hold inside one registration, whatever the state says: used before it is proposed and again when it is
 * applied, because the state would not hang together without it. Limits and rights are for admission/ alone.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { meshNameOf, type Service } from '../../model/service.ts'
import type { CommandOf } from './outcome.ts'

export const nodeNameOf = ({ node }: CommandOf<'catalog.register'>): string =>
  typeof node === 'string' ? node : node.name

export function checkRegistration(command: CommandOf<'catalog.register'>): Result<true> {
  const name = nodeNameOf(command)
  if (name === '') return failed('bad-request', 'a registration needs the name of its node')
  const serviceIds = new Set<string>()
  for (const service of command.services) {
    if (serviceIds.has(service.id))
      return failed('invalid-service', `service id "${service.id}" stands twice in one registration`)
    serviceIds.add(service.id)
    const sound = checkService(service)
    if (!sound.ok) return sound
  }
  const checkIds = new Set<string>()
  for (const check of command.checks) {
    if (check.checkId === '') return failed('bad-request', 'a check needs an id')
    if (checkIds.has(check.checkId))
      return failed('bad-request', `check id "${check.checkId}" stands twice in one registration`)
    checkIds.add(check.checkId)
    if (check.node !== name)
      return failed('bad-request', `check "${check.checkId}" names node "${check.node}", not "${name}"`)
  }
  return ok(true)
}

function checkService(service: Service): Result<true> {
  if (service.id === '' || service.name === '')
    return failed('invalid-service', 'a service needs an id and a name')
  if (service.kind !== 'connect-proxy') return ok(true)
  if (meshNameOf(service) === '')
    return failed('invalid-service', `proxy "${service.id}" names no service that it stands for`)
  return ok(true)
}
