/**
 * Lets the agent beside a server into the mesh without anybody typing a token: the server makes one for its own host. It
 * allows no service; whoever wants services on a server's host enrolls it with a token that names them.
 */
import type { Command } from '../../model/command.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Log, Random } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import { enrollmentHash, makeEnrollmentToken } from '../../rpc/enrollment-token.ts'
import type { StateView } from '../store/state.ts'

export interface OwnAgentPorts {
  readonly view: () => StateView
  /** Proposes as this server. */
  readonly write: (command: Command, reply: Reply<unknown>) => void
  /** RPC addresses of the servers. */
  readonly servers: () => readonly string[]
  /** Name of this host. */
  readonly node: string
  readonly clock: Pick<Clock, 'wallMs'>
  readonly random: Random
  readonly log: Log
}

const secretBytes = 32

/** Calls back with the token, unless the host is enrolled already or no leader takes the write. */
export function inviteOwnAgent(ports: OwnAgentPorts, done: (token: string) => void): void {
  const { view, write, servers, node, clock, random, log } = ports
  const state = view()
  const settings = state.settings()
  const pin = state.roots('host').find((root) => root.active)?.id
  if (settings === undefined || pin === undefined || state.host(node) !== undefined) return
  const secret = random.bytes(secretBytes)
  const { clusterId, datacenter } = settings
  const token = makeEnrollmentToken(
    { clusterId, datacenter, hostRootPin: pin, servers: servers() },
    secret,
    node,
  )
  const enrollment = {
    tokenHash: enrollmentHash(Buffer.from(secret).toString('base64url')),
    node,
    services: [],
    expiresAtMs: clock.wallMs() + limits.enrollmentTtlMs,
    createdBy: '',
  }
  write({ type: 'enrollment.create', enrollment }, (result) => {
    if (result.ok) done(token)
    else log.warn('no token could be made for the agent of this host', { ...result.failure })
  })
}
