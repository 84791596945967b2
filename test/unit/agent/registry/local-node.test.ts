import { expect, test } from 'vitest'
import { localNode } from '../../../../src/agent/registry/local-node.ts'

const settings = { nodeName: 'n1', datacenter: 'dc1', nodeMeta: { rack: 'a' } }

test('a host shows its address by role and family', () => {
  expect(localNode({ ...settings, advertiseAddress: '10.0.0.1' }, 'id-1')).toEqual({
    id: 'id-1',
    name: 'n1',
    address: '10.0.0.1',
    datacenter: 'dc1',
    taggedAddresses: { lan: '10.0.0.1', lan_ipv4: '10.0.0.1', wan: '10.0.0.1', wan_ipv4: '10.0.0.1' },
    meta: { rack: 'a' },
  })
  expect(localNode({ ...settings, advertiseAddress: 'fd00::1' }, 'id-1').taggedAddresses).toEqual({
    lan: 'fd00::1',
    lan_ipv6: 'fd00::1',
    wan: 'fd00::1',
    wan_ipv6: 'fd00::1',
  })
})
