import { expect, test } from 'vitest'
import { localNode } from '../../../../src/agent/registry/local-node.ts'
import { wanDefaults } from '../../../../src/config/wan-settings.ts'

const settings = { nodeName: 'n1', datacenter: 'dc1', nodeMeta: { rack: 'a' } }
const at = (advertiseAddress: string, fromAfar = advertiseAddress) => ({
  ...settings,
  advertiseAddress,
  wan: { ...wanDefaults, bindAddress: advertiseAddress, advertiseAddress: fromAfar },
})

test('a host shows its address by role and family', () => {
  expect(localNode(at('10.0.0.1'), 'id-1')).toEqual({
    id: 'id-1',
    name: 'n1',
    address: '10.0.0.1',
    datacenter: 'dc1',
    taggedAddresses: { lan: '10.0.0.1', lan_ipv4: '10.0.0.1', wan: '10.0.0.1', wan_ipv4: '10.0.0.1' },
    meta: { rack: 'a' },
  })
  expect(localNode(at('fd00::1'), 'id-1').taggedAddresses).toEqual({
    lan: 'fd00::1',
    lan_ipv6: 'fd00::1',
    wan: 'fd00::1',
    wan_ipv6: 'fd00::1',
  })
})

test('from another datacenter it is reached at its wan address', () => {
  expect(localNode(at('10.0.0.1', '203.0.113.7'), 'id-1').taggedAddresses).toEqual({
    lan: '10.0.0.1',
    lan_ipv4: '10.0.0.1',
    wan: '203.0.113.7',
    wan_ipv4: '203.0.113.7',
  })
})
