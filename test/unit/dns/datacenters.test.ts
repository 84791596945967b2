// Names of another datacenter: what its servers say, what is there when there is no such datacenter, and when it is cut off.
import { expect, test } from 'vitest'
import { DnsWorld, said } from './world.ts'

function twoDatacenters(): { readonly here: DnsWorld; readonly there: DnsWorld } {
  const here = new DnsWorld()
  const there = new DnsWorld()
  here.others.set('dc2', there)
  here.put({ node: 'a', nodeAddress: '10.0.0.1', name: 'web', port: 80 })
  there.put({ node: 'b', nodeAddress: '10.2.0.2', name: 'web', tags: ['v2'], port: 81 })
  return { here, there }
}

test('a service of another datacenter is found there, under every form of its name', () => {
  const { here } = twoDatacenters()
  for (const name of ['web.service.dc2.mesh', 'WEB.Service.DC2.Mesh', 'v2.web.service.dc2.dc.mesh'])
    expect(said(here.ask(name)?.answers)).toEqual([`A ${name} 10.2.0.2`])
  const { answers, additionals } = here.ask('_web._tcp.service.dc2.mesh', 'SRV') ?? {}
  expect(said(answers)).toEqual(['SRV _web._tcp.service.dc2.mesh 1 1 81 b.node.dc2.mesh'])
  expect(said(additionals)).toEqual(['A b.node.dc2.mesh 10.2.0.2'])
  expect(said(here.ask('b.node.dc2.mesh')?.answers)).toEqual(['A b.node.dc2.mesh 10.2.0.2'])
})

test('this host is not taken for one of the same name in another datacenter', () => {
  const { here } = twoDatacenters()
  expect(here.ask('here.node.mesh')?.rcode).toBe('NOERROR')
  expect(here.ask('here.node.dc2.mesh')?.rcode).toBe('NXDOMAIN')
})

test('in a datacenter that nobody knows nothing is there', () => {
  const { here } = twoDatacenters()
  for (const name of [
    'web.service.dc3.mesh',
    'a.node.dc3.mesh',
    'web.connect.dc3.mesh',
    '_web._tcp.service.dc3.mesh',
  ])
    expect([name, here.ask(name)?.rcode]).toEqual([name, 'NXDOMAIN'])
})

test('while the link is cut the last answer stays, and what was never asked fails', () => {
  const { here, there } = twoDatacenters()
  expect(said(here.ask('web.service.dc2.mesh')?.answers)).toHaveLength(1)
  there.disconnect()
  here.clock.run(5_000)
  expect(said(here.ask('web.service.dc2.mesh')?.answers)).toEqual(['A web.service.dc2.mesh 10.2.0.2'])
  expect(here.ask('api.service.dc2.mesh')?.rcode).toBe('SERVFAIL')
  expect(said(here.ask('web.service.mesh')?.answers)).toEqual(['A web.service.mesh 10.0.0.1'])
})
