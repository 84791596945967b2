// Rows with as little in them as a test needs to say.
import type { CaRoot } from '../../../src/model/authority.ts'
import { type Check, memberCheckId } from '../../../src/model/check.ts'
import type { Command } from '../../../src/model/command.ts'
import type { Node } from '../../../src/model/node.ts'
import { type Service, sidecarIdOf, sidecarNameOf } from '../../../src/model/service.ts'

export const clusterId = '11111111-2222-4333-8444-555555555555'

export const aNode = (name: string, rest: Partial<Node> = {}): Node => ({
  id: `id-of-${name}`,
  name,
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: {},
  meta: {},
  ...rest,
})

export const aService = (name: string, rest: Partial<Service> = {}): Service => ({
  kind: '',
  id: name,
  name,
  tags: [],
  meta: {},
  address: '',
  port: 80,
  socketPath: '',
  taggedAddresses: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  connectNative: false,
  ...rest,
})

export const aSidecar = (of: string, rest: Partial<Service> = {}): Service =>
  aService(sidecarNameOf(of), {
    kind: 'connect-proxy',
    id: sidecarIdOf(of),
    port: 21_000,
    proxy: {
      destinationServiceName: of,
      destinationServiceId: of,
      localServiceAddress: '127.0.0.1',
      localServicePort: 80,
      localServiceSocketPath: '',
      mode: '',
      config: {},
      upstreams: [],
      expose: { checks: false, paths: [] },
    },
    ...rest,
  })

export const aCheck = (node: string, checkId: string, rest: Partial<Check> = {}): Check => ({
  node,
  checkId,
  name: checkId,
  status: 'passing',
  notes: '',
  output: '',
  serviceId: '',
  serviceName: '',
  serviceTags: [],
  type: 'ttl',
  interval: '',
  timeout: '',
  ...rest,
})

export const aMemberCheck = (node: string, status: Check['status']): Check =>
  aCheck(node, memberCheckId, { status, type: '' })

export const aRoot = (id: string, rest: Partial<CaRoot> = {}): CaRoot => ({
  id,
  plane: 'service',
  name: id,
  trustDomain: `${clusterId}.consul`,
  certificatePem: `pem of ${id}`,
  serialNumber: '1',
  signingKeyId: 'aa:bb',
  notBeforeMs: 0,
  notAfterMs: 1,
  active: true,
  privateKeyType: 'ec',
  privateKeyBits: 256,
  sealedKey: 'sealed',
  ...rest,
})

export const register = (
  node: Node | string,
  services: readonly Service[] = [],
  checks: readonly Check[] = [],
): Command => ({ type: 'catalog.register', node, services, checks })

export const genesis = (defaultIntentionAction: 'allow' | 'deny' = 'deny'): Command => ({
  type: 'genesis',
  settings: { clusterId, datacenter: 'dc1', defaultIntentionAction },
  roots: [aRoot('root-1'), aRoot('host-root-1', { plane: 'host', trustDomain: `host.${clusterId}.consul` })],
  operator: { tokenHash: 'a'.repeat(64), name: 'first' },
})

export const intention = (
  sourceName: string,
  destinationName: string,
  action: 'allow' | 'deny',
  rest: { readonly description?: string; readonly id?: string } = {},
): Command => ({
  type: 'intention.upsert',
  id: rest.id ?? `${sourceName}-to-${destinationName}`,
  sourceName,
  destinationName,
  action,
  description: rest.description ?? '',
  meta: {},
})
