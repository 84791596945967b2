/** The agent's client to the servers: what it shows, whom it trusts, and where it looks for them. */
import type { Configuration } from '../config/settings.ts'
import type { Clock, Log, Metrics, Random } from '../platform/ports.ts'
import type { ClientIdentity } from '../rpc/channel-credentials.ts'
import type { ServerClient } from '../rpc/contract.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import type { OperatorClient } from '../rpc/operator.ts'
import type { Membership } from './contract.ts'
import { clientIdentityOf } from './enrollment/client-identity.ts'
import type { HostEnrollment } from './enrollment/enrollment.ts'
import { gated } from './enrollment/gate.ts'
import { FoundServers } from './membership/found-servers.ts'

export interface ClientSurroundings {
  readonly configuration: Configuration
  readonly enrollment: Pick<HostEnrollment, 'identity' | 'onChange'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface AgentClient {
  /** Waits for nothing while this host is not enrolled. */
  readonly client: ServerClient & OperatorClient
  /** What this host shows and trusts now. */
  readonly identity: () => ClientIdentity
  /** The certificate changed. */
  renew(): void
  /** Uses another server. */
  moveOn(): void
  /** Servers that gossip shows are used as well, and those on failed hosts are left. */
  findServersBy(membership: Membership): void
}

export function openClient(surroundings: ClientSurroundings): AgentClient {
  const { configuration, enrollment } = surroundings
  const { settings } = configuration
  const identity = (): ClientIdentity => identityOf(surroundings)
  let found: FoundServers | undefined
  const client = createGrpcClient({
    ...surroundings,
    servers: () => {
      // What an operator wrote may be a name that outlives addresses; what servers told is where they are now.
      const known = [...new Set([...settings.servers, ...(enrollment.identity()?.servers ?? [])])]
      return found?.among(known) ?? known
    },
    identity,
    holdTimeoutMs: settings.rpcHoldTimeoutMs,
  })
  enrollment.onChange(() => client.identityChanged())
  return {
    client: gated(client, () => enrollment.identity() !== undefined),
    identity,
    renew: () => client.identityChanged(),
    moveOn: () => client.moveOn(),
    findServersBy: (membership) => {
      found = new FoundServers(membership, {
        onFound: () => {
          if (client.server() === undefined) client.resetBackoff()
        },
        onLost: (address) => {
          if (client.server() === address) client.moveOn()
        },
      })
    },
  }
}

function identityOf({ enrollment, log }: ClientSurroundings): ClientIdentity {
  const host = enrollment.identity()
  const found = host === undefined ? undefined : clientIdentityOf(host)
  if (found?.ok === true) return found.value
  if (found !== undefined) log.error('this host’s roots cannot be read', { ...found.failure })
  // Nobody matches an empty pin: the connection is refused here, before anything is shown.
  return { kind: 'pinned', pin: '' }
}
