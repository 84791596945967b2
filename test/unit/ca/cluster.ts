/** A cluster's trust as a server has it: state after genesis, authority, access, and the calls that hosts make. */
import type { Command } from '../../../src/model/command.ts'
import { limits } from '../../../src/model/limits.ts'
import type { Clock } from '../../../src/platform/ports.ts'
import type { Peer } from '../../../src/rpc/contract.ts'
import { type EnrollmentToken, enrollmentHash } from '../../../src/rpc/enrollment-token.ts'
import { createAccess } from '../../../src/server/access/access.ts'
import { Authority } from '../../../src/server/ca/authority.ts'
import { makeGenesis, prepareSecrets } from '../../../src/server/ca/genesis.ts'
import { Hosts } from '../../../src/server/ca/hosts.ts'
import { LeafSigning } from '../../../src/server/ca/leaf-signing.ts'
import { decodeCertificatePems } from '../../../src/wire/x509/pem.ts'
import { FakeAdmission, FakeState } from './fake-state.ts'
import { Counters, MemoryFiles, RecordingLog, TestRandom } from './ports.ts'

export interface ClusterOptions {
  readonly clock: Clock
  /** Runs the answers of the log; at once by default. */
  readonly later?: (run: () => void) => void
  readonly leafTtlMs?: number
  /** Who of those with a server's certificate is in the cluster; nobody was removed where it is left away. */
  readonly isServer?: (peer: Peer) => boolean
  /** What hosts are given for gossip. */
  readonly gossipKeys?: () => readonly string[]
}

export function makeCluster({
  clock,
  later = (run) => run(),
  leafTtlMs = limits.leafTtlMs,
  isServer = () => true,
  gossipKeys = () => [],
}: ClusterOptions) {
  const files = new MemoryFiles()
  const random = new TestRandom()
  const log = new RecordingLog()
  const metrics = new Counters()
  const state = new FakeState()
  const secrets = prepareSecrets(files, random)
  if (!secrets.ok) throw new Error(secrets.failure.message)
  const { clusterKey, operatorToken } = secrets.value
  const genesis = makeGenesis({
    datacenter: 'dc1',
    defaultIntentionAction: 'deny',
    secrets: secrets.value,
    random,
    nowMs: clock.wallMs(),
  })
  state.apply(genesis, clock.wallMs())
  const view = () => state
  const admission = new FakeAdmission(state, clock, later)
  const authority = new Authority({ clusterKey, view, clock, random, leafTtlMs })
  const access = createAccess({ view, isServer, clock, log, metrics })
  const hosts = new Hosts({ authority, access, admission, server: 's1', view, gossipKeys, clock })
  const leafSigning = new LeafSigning({ authority, access, view, clock, metrics })
  const makeToken = (
    more: Partial<EnrollmentToken> & { readonly services?: readonly string[]; readonly ttlMs?: number } = {},
  ): EnrollmentToken => {
    const secret = Buffer.from(random.bytes(32)).toString('base64url')
    const create: Command = {
      type: 'enrollment.create',
      enrollment: {
        tokenHash: enrollmentHash(secret),
        node: more.node ?? '',
        services: more.services ?? ['web', 'api-*'],
        expiresAtMs: clock.wallMs() + (more.ttlMs ?? limits.enrollmentTtlMs),
        createdBy: '',
      },
    }
    state.apply(create, clock.wallMs())
    const pin = state.roots('host')[0]?.id ?? ''
    return { servers: ['127.0.0.1:1'], pin, node: '', datacenter: 'dc1', ...more, secret }
  }
  return {
    files,
    random,
    log,
    metrics,
    state,
    clusterKey,
    operatorToken,
    admission,
    authority,
    access,
    hosts,
    leafSigning,
    makeToken,
  }
}

export type Cluster = ReturnType<typeof makeCluster>

/** A connection that presented these certificates. */
export const peerWith = (pem: string): Peer => ({
  certificates: decodeCertificatePems(pem),
  address: '192.0.2.1',
})
