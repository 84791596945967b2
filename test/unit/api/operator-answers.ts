// What a healthy cluster of two servers answers to operators.
import { autopilotDefaults } from '../../../src/model/autopilot.ts'
import { nodeId } from '../../../src/model/ids.ts'
import type { Operations } from '../../../src/rpc/operator.ts'

export const serverIds = [
  nodeId('00000001-0000-4000-8000-000000000009'),
  nodeId('00000002-0000-4000-8000-000000000009'),
] as const

const servers = serverIds.map((id, at) => ({
  id,
  node: `host-${at + 1}`,
  address: `10.0.0.${at + 1}:8300`,
  isLeader: at === 0,
  isVoter: at === 0,
  lastIndex: 40 - at,
}))

const heardAtMs = Date.UTC(2026, 0, 2, 3, 4, 5)

type Reads = 'cluster.status' | 'raft.configuration' | 'autopilot.state' | 'autopilot.get'

export const operatorAnswers: { readonly [Name in Reads]: Operations[Name]['answer'] } = {
  'cluster.status': {
    id: serverIds[0],
    role: 'leader',
    term: 2,
    leader: '10.0.0.1:8300',
    hasQuorum: true,
    lostSinceMs: 0,
    servers: servers.map(({ id, node, address, isVoter, isLeader }) => ({
      id,
      node,
      address,
      isVoter,
      state: isLeader ? 'leader' : 'learner',
      heardAtMs,
    })),
    isDiskFull: false,
    divergedAt: 0,
    advice: [],
  },
  'raft.configuration': { index: 7, servers },
  'autopilot.state': {
    isHealthy: true,
    failureTolerance: 0,
    leader: serverIds[0],
    featureLevel: 2,
    servers: servers.map((server) => ({
      ...server,
      version: '0.1.0',
      maxFeatureLevel: 2,
      isAlive: true,
      lastContactMs: server.isLeader ? 0 : 70,
      lastTerm: 2,
      isHealthy: true,
      stableSinceMs: heardAtMs,
    })),
  },
  'autopilot.get': { ...autopilotDefaults, createIndex: 4, modifyIndex: 9 },
}
