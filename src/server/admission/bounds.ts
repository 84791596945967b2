/**
 * Size and content of commands, checked before they are proposed: names that can be keys and certificate names, labels
 * within their limits. Shapes were checked where the bytes arrived (rpc/shape); the size of the whole is wire/command.ts.
 */
import type { Check } from '../../model/check.ts'
import type { Command } from '../../model/command.ts'
import type { ConfigEntry } from '../../model/config-entry.ts'
import { type ErrorCode, failed, ok, type Result } from '../../model/errors.ts'
import { wildcard } from '../../model/intention.ts'
import { limits } from '../../model/limits.ts'
import type { Node } from '../../model/node.ts'
import type { Service } from '../../model/service.ts'
import type { CommandOf } from '../apply/outcome.ts'
import { checkRegistration } from '../apply/registration.ts'
import { checkDatacenterBounds } from './datacenter-bounds.ts'
import { checkKvDelete, checkKvSet } from './kv-bounds.ts'
import { checkLocking } from './lock-bounds.ts'

const fine: Result<true> = ok(true)

export function checkBounds(command: Command): Result<true> {
  switch (command.type) {
    case 'genesis':
    case 'settings.set':
    case 'kv.reap':
    case 'feature.raise':
    case 'server.announce':
    case 'autopilot.set':
    case 'verify.mark':
    case 'verify.result':
    case 'gossip-keys.set':
    case 'root.add':
    case 'root.remove':
    case 'restore.begin':
    case 'restore.piece':
    case 'restore.commit':
    case 'restore.abort':
      return fine
    case 'kv.set':
      return checkKvSet(command)
    case 'kv.delete':
      return checkKvDelete(command)
    case 'kv.lock':
    case 'kv.unlock':
    case 'session.create':
    case 'session.destroy':
    case 'session.renew':
    case 'txn':
      return checkLocking(command, checkBounds)
    case 'catalog.register':
      return checkRegister(command)
    case 'catalog.deregister':
      return checkDeregister(command)
    case 'config-entry.upsert':
      return checkEntry(command.entry)
    case 'config-entry.delete':
    case 'intention.delete':
      return fine
    case 'intention.upsert':
      return checkIntention(command)
    case 'enrollment.create':
      return checkEnrollment(command)
    case 'datacenter.federate':
    case 'datacenter.set':
      return checkDatacenterBounds(command.datacenter)
    case 'datacenter.remove':
      return nameIs('datacenter', command.name)
    case 'host.evict':
      return nameIs('node', command.node)
    case 'root.activate':
      return idIs('root', command.id)
    case 'enrollment.redeem':
      return first(nameIs('node', command.node), idIs('node', command.nodeId))
    case 'enrollment.redeem-server':
      return first(nameIs('node', command.node), idIs('server', command.serverId))
  }
}

function checkIntention(command: CommandOf<'intention.upsert'>): Result<true> {
  return first(
    intentionName('source', command.sourceName),
    intentionName('destination', command.destinationName),
    descriptionIs(command.description),
    labelsAre('intention', command.meta),
    check(
      command.id !== '' && command.id.length <= limits.catalogIdChars,
      'bad-request',
      () => 'an intention needs an id for the case that it is new',
    ),
  )
}

function checkDeregister(command: CommandOf<'catalog.deregister'>): Result<true> {
  return first(
    nameIs('node', command.node),
    idIs('service', command.serviceId ?? 'none'),
    idIs('check', command.checkId ?? 'none'),
    check(
      command.serviceId === undefined || command.checkId === undefined,
      'bad-request',
      () => 'a deregistration names a service or a check, not both',
    ),
  )
}

function checkRegister(command: CommandOf<'catalog.register'>): Result<true> {
  const { node, services, checks } = command
  return first(
    checkRegistration(command),
    typeof node === 'string' ? nameIs('node', node) : checkNode(node),
    ...services.map(checkService),
    ...checks.map(checkCheck),
  )
}

function checkNode(node: Node): Result<true> {
  return first(
    nameIs('node', node.name),
    check(
      node.address !== '' && node.address.length <= limits.addressChars,
      'bad-request',
      () => `node "${node.name}" needs an address`,
    ),
    check(
      Object.keys(node.taggedAddresses).length <= limits.taggedAddresses,
      'too-large',
      () => `node "${node.name}" has more than ${limits.taggedAddresses} tagged addresses`,
    ),
    labelsAre(`node "${node.name}"`, node.meta),
  )
}

function checkService(service: Service): Result<true> {
  const named = `service "${service.id}"`
  return first(
    idIs('service', service.id),
    nameIs('service', service.name),
    check(service.port <= 65_535, 'invalid-service', () => `${named} has port ${service.port}`),
    check(service.address.length <= limits.addressChars, 'too-large', () => `${named}: address too long`),
    check(
      service.tags.length <= limits.tagsPerService,
      'too-large',
      () => `${named} has more than ${limits.tagsPerService} tags`,
    ),
    check(
      service.tags.every((tag) => tag.length <= limits.tagChars && !hasControls(tag)),
      'invalid-service',
      () => `${named} has a tag with control characters or of more than ${limits.tagChars} characters`,
    ),
    check(
      Object.keys(service.taggedAddresses).length <= limits.taggedAddresses,
      'too-large',
      () => `${named} has more than ${limits.taggedAddresses} tagged addresses`,
    ),
    labelsAre(named, service.meta),
    service.proxy === undefined ? fine : nameIs('service', service.proxy.destinationServiceName),
    check(
      (service.proxy?.upstreams.length ?? 0) <= limits.upstreamsPerProxy,
      'too-large',
      () => `${named} has more than ${limits.upstreamsPerProxy} upstreams`,
    ),
  )
}

function checkCheck(row: Check): Result<true> {
  const named = `check "${row.checkId}"`
  return first(
    idIs('check', row.checkId),
    check(row.name.length <= limits.catalogIdChars, 'too-large', () => `${named}: name too long`),
    check(row.notes.length <= limits.catalogOutputChars, 'too-large', () => `${named}: notes too long`),
    check(
      row.output.length <= limits.catalogOutputChars,
      'too-large',
      () => `${named} has more than ${limits.catalogOutputChars} characters of output`,
    ),
  )
}

function checkEntry(entry: ConfigEntry): Result<true> {
  return first(
    intentionName('destination', entry.name),
    labelsAre(`entry "${entry.name}"`, entry.meta),
    check(entry.sources.length > 0, 'invalid-config', () => `entry "${entry.name}" has no source`),
    ...entry.sources.flatMap((source) => [
      intentionName('source', source.name),
      descriptionIs(source.description),
    ]),
  )
}

function checkEnrollment({ enrollment }: CommandOf<'enrollment.create'>): Result<true> {
  return first(
    check(
      /^[0-9a-f]{64}$/.test(enrollment.tokenHash),
      'bad-request',
      () => 'a token is stored as its SHA-256',
    ),
    enrollment.node === '' ? fine : nameIs('node', enrollment.node),
    check(
      (enrollment.role ?? 'host') === 'host' || enrollment.services.length === 0,
      'bad-request',
      () => 'only a token for a host names services',
    ),
    check(
      enrollment.services.length <= limits.servicesPerEnrollment,
      'too-large',
      () => `a token names at most ${limits.servicesPerEnrollment} services; end a name with "*" for many`,
    ),
    ...enrollment.services.map((pattern) =>
      pattern === wildcard ? fine : nameIs('service', pattern.endsWith('*') ? pattern.slice(0, -1) : pattern),
    ),
  )
}

function intentionName(role: 'source' | 'destination', name: string): Result<true> {
  return name === wildcard ? fine : nameIs(role, name)
}

/** Names become keys, parts of SPIFFE ids and of DNS names; `*` always means any. */
function nameIs(what: string, name: string): Result<true> {
  const sound =
    name !== '' && name.length <= limits.catalogNameChars && !/[\s*]/.test(name) && !hasControls(name)
  return check(sound, 'bad-request', () =>
    name.includes('*')
      ? `"*" stands for every ${what} and cannot be part of a name`
      : `a ${what} name has 1 to ${limits.catalogNameChars} characters, without spaces`,
  )
}

function idIs(what: string, id: string): Result<true> {
  return check(
    id !== '' && id.length <= limits.catalogIdChars && !hasControls(id),
    'bad-request',
    () => `a ${what} id has 1 to ${limits.catalogIdChars} characters, without control characters`,
  )
}

function labelsAre(what: string, meta: Readonly<Record<string, string>>): Result<true> {
  const labels = Object.entries(meta)
  return first(
    check(
      labels.length <= limits.metaPairs,
      'too-large',
      () => `${what} has more than ${limits.metaPairs} labels`,
    ),
    check(
      labels.every(
        ([name, value]) => name.length <= limits.metaKeyChars && value.length <= limits.metaValueChars,
      ),
      'too-large',
      () =>
        `${what}: label keys have at most ${limits.metaKeyChars} characters, values ${limits.metaValueChars}`,
    ),
  )
}

function descriptionIs(description: string): Result<true> {
  return check(
    description.length <= limits.descriptionChars,
    'too-large',
    () => `a description has at most ${limits.descriptionChars} characters`,
  )
}

const hasControls = (text: string): boolean => /\p{Cc}/u.test(text)

function check(holds: boolean, code: ErrorCode, message: () => string): Result<true> {
  return holds ? fine : failed(code, message())
}

function first(...results: readonly Result<true>[]): Result<true> {
  return results.find((result) => !result.ok) ?? fine
}
