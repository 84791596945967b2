/** Where the API listens, from the settings: every client address, and always the unix socket. */
import type { Settings } from '../../config/settings.ts'
import { ok, type Result } from '../../model/errors.ts'
import { groupIdOf } from '../access/group.ts'
import type { ListenTarget } from './listen.ts'

export function listenTargets(settings: Settings, socketPath: string): Result<readonly ListenTarget[]> {
  const { clientAddresses, ports, unixSockets } = settings
  const group = unixSockets.group === '' ? undefined : groupIdOf(unixSockets.group)
  if (group?.ok === false) return group
  const socket: ListenTarget = {
    kind: 'unix',
    path: socketPath,
    mode: Number.parseInt(unixSockets.mode, 8),
    ...(group === undefined ? {} : { groupId: group.value }),
  }
  const tcp = ports.http < 0 ? [] : clientAddresses
  return ok([socket, ...tcp.map((address): ListenTarget => ({ kind: 'tcp', address, port: ports.http }))])
}
