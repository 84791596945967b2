// A machine for tests that read configurations.
import type { Machine } from '../../../src/config/settings.ts'

export const machine: Machine = {
  hostname: 'host-7.example.com',
  privateAddress: '10.0.0.7',
  interfaceAddresses: { eth0: '10.0.0.7', eth1: '192.168.1.7' },
}
