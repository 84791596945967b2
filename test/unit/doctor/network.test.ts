// What the doctor makes of ports, addresses, servers and clocks.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type AddressFacts, judgeAddresses } from '../../../src/command/doctor/judge/addresses.ts'
import {
  type HeldPort,
  judgePorts,
  type NeededPort,
  neededPorts,
} from '../../../src/command/doctor/judge/ports.ts'
import {
  judgeClock,
  judgeGossip,
  judgeServers,
  type ServerFacts,
  type ServerOutcome,
} from '../../../src/command/doctor/judge/servers.ts'
import { heldPorts } from '../../../src/command/doctor/look/sockets.ts'
import { loadConfiguration } from '../../../src/config/load.ts'
import { testSettings } from '../api/fixture.ts'
import { agent, codesOf, problemsOf } from './lines.ts'

describe('ports', () => {
  const one: NeededPort = {
    purpose: 'the agent’s HTTP API',
    program: 'agent',
    protocol: 'tcp',
    address: '127.0.0.1',
    port: 8_500,
    key: 'ports { http }',
  }
  const nginx: HeldPort = {
    protocol: 'tcp',
    address: '0.0.0.0',
    port: 8_500,
    uid: 33,
    holder: 'nginx (pid 7)',
  }
  const judge = (held: readonly HeldPort[] | undefined, needed = [one], firstUnprivileged = 1_024) =>
    judgePorts({ needed, held, accounts: { agent, server: agent, proxy: agent }, firstUnprivileged })

  test('a port that nobody holds, or the program itself, is well', () => {
    expect(codesOf(judge([]))).toEqual(['ok'])
    expect(codesOf(judge([{ ...nginx, uid: agent.uid }]))).toEqual(['ok'])
  })
  test('one that another process holds is taken, by any address that overlaps', () => {
    const [line] = judge([nginx])
    expect(line).toMatchObject({ code: 'port-taken', mark: 'wrong' })
    expect(line?.text).toBe(
      'TCP port 127.0.0.1:8500 is taken by nginx (pid 7); it is needed for the agent’s HTTP API',
    )
    expect(line?.remedy).toContain('sport = :8500')
    expect(codesOf(judge([{ ...nginx, address: '127.0.0.1' }]))).toEqual(['port-taken'])
    expect(codesOf(judge([{ ...nginx, address: '::' }]))).toEqual(['port-taken'])
  })
  test('another address, protocol or port is no conflict', () => {
    expect(codesOf(judge([{ ...nginx, address: '10.0.0.1' }]))).toEqual(['ok'])
    expect(codesOf(judge([{ ...nginx, protocol: 'udp' }]))).toEqual(['ok'])
    expect(codesOf(judge([{ ...nginx, port: 8_501 }]))).toEqual(['ok'])
  })
  test('a holder that this user cannot see is told by its user id', () => {
    expect(judge([{ ...nginx, holder: '' }])[0]?.text).toContain('a process of user id 33')
  })
  test('a port that the programs may not open is told, and unknown tables are not called well', () => {
    expect(codesOf(judge([], [{ ...one, port: 53 }]))).toEqual(['port-privileged'])
    expect(codesOf(judge([], [{ ...one, port: 53 }], 50))).toEqual(['ok'])
    expect(codesOf(judge(undefined))).toEqual(['unseen'])
  })
  test('are those of the configuration: programs, sidecars and upstreams', () => {
    const text = `server = true
      advertise_addr = "10.0.0.1"
      service { name = "web"
        port = 80
        connect { sidecar_service { port = 21500
          proxy { upstreams { destination_name = "db"
            local_bind_port = 9191 } } } } }`
    const loaded = loadConfiguration([{ path: 'a.hcl', text }], {
      hostname: 'h1',
      privateAddress: '10.0.0.1',
      interfaceAddresses: {},
    })
    if (!loaded.ok) throw new Error(loaded.errors[0]?.what)
    const { settings, definitions } = loaded.value
    const shown = neededPorts(settings, definitions.services).map(
      ({ program, protocol, address, port }) => `${program} ${protocol} ${address}:${port}`,
    )
    expect(shown).toEqual([
      'agent tcp 127.0.0.1:8500',
      'agent tcp 127.0.0.1:8600',
      'agent udp 127.0.0.1:8600',
      'agent tcp 0.0.0.0:8301',
      'agent udp 0.0.0.0:8301',
      'server tcp 0.0.0.0:8300',
      'server tcp 0.0.0.0:8302',
      'server udp 0.0.0.0:8302',
      'proxy tcp 0.0.0.0:21500',
      'proxy tcp 127.0.0.1:9191',
    ])
  })
  test('that are held are read from the kernel, with address, owner and process', async () => {
    const tcp = createServer()
    const udp = createSocket('udp6')
    await new Promise<void>((done) => tcp.listen(0, '127.0.0.3', done))
    await new Promise<void>((done) => udp.bind(0, '::1', done))
    const address = tcp.address()
    const port = typeof address === 'object' ? address?.port : 0
    const held = heldPorts() ?? []
    const mine = { uid: process.getuid?.(), holder: expect.stringContaining(`(pid ${process.pid})`) }
    expect(held).toContainEqual({ protocol: 'tcp', address: '127.0.0.3', port, ...mine })
    expect(held).toContainEqual({ protocol: 'udp', address: '::1', port: udp.address().port, ...mine })
    tcp.close()
    udp.close()
    expect(heldPorts('/nonexistent')).toBeUndefined()
  })
})

describe('addresses', () => {
  const judge = (
    settings: Partial<AddressFacts['settings']>,
    servers: readonly string[] = ['10.0.0.9:8300'],
  ) =>
    codesOf(
      judgeAddresses({
        settings: { ...testSettings, ...settings },
        own: ['127.0.0.1', '10.0.0.1', '::1'],
        servers,
      }),
    )
  test.each([
    [{}, 'ok'],
    [{ advertiseAddress: '127.0.0.1' }, 'address-loopback'],
    [{ advertiseAddress: '10.0.0.7' }, 'address-not-here'],
    // Behind an address translation a public address is right.
    [{ advertiseAddress: '203.0.113.5' }, 'address-translated'],
    [{ bindAddress: '10.0.0.7' }, 'address-not-here'],
    [{ clientAddresses: ['10.0.0.8'] }, 'address-not-here'],
    [{ clientAddresses: ['127.0.0.77'] }, 'ok'],
  ])('%o is %s', (settings, code) => expect(judge(settings)).toEqual([code]))

  test('a mesh on one machine may be all loopback, a server that others shall join may not', () => {
    expect(judge({ advertiseAddress: '127.0.0.2' }, ['127.0.0.1:8300'])).toEqual(['ok'])
    expect(judge({ advertiseAddress: '127.0.0.1', server: true }, [])).toEqual(['address-loopback'])
  })
  test('the remedy names an address that the host has', () => {
    const facts = {
      settings: { ...testSettings, advertiseAddress: '127.0.0.1' },
      own: ['127.0.0.1', '10.0.0.1'],
      servers: ['10.0.0.9:8300'],
    }
    expect(judgeAddresses(facts)[0]?.remedy).toBe('advertise_addr = "10.0.0.1" in the configuration')
  })
})

const answered: ServerOutcome = { kind: 'answered', aheadMs: 0, refusal: undefined }
const at = (address: string, outcome: ServerOutcome): ServerFacts => ({ address, outcome })

describe('servers', () => {
  const judge = (...servers: readonly ServerFacts[]) => judgeServers({ servers, isServer: false })

  test.each([
    [{ kind: 'name-unknown', reason: 'no such name' }, 'server-name-unknown'],
    [{ kind: 'refused' }, 'server-refuses'],
    [{ kind: 'silent', reason: 'late' }, 'server-silent'],
    [{ kind: 'not-mesh', reason: 'no TLS' }, 'server-not-mesh'],
  ] as const)(
    'one that is %o is wrong where it is the only one, a warning beside one that answers',
    (outcome, code) => {
      expect(judge(at('s1:8300', outcome))).toMatchObject([{ code, mark: 'wrong' }])
      const both = problemsOf(judge(at('s1:8300', outcome), at('s2:8300', answered)))
      expect(both).toMatchObject([{ code: 'server-away', mark: 'warning' }])
    },
  )
  test('one of another mesh is wrong in any company', () => {
    const lines = judge(at('s1:8300', { kind: 'foreign', reason: 'x' }), at('s2:8300', answered))
    expect(problemsOf(lines)).toMatchObject([{ code: 'wrong-cluster', mark: 'wrong' }])
  })
  test('a refusal that all of them tell is told once', () => {
    const refusing: ServerOutcome = {
      ...answered,
      refusal: { code: 'host-evicted', message: 'host "h1" was evicted' },
    }
    const lines = judge(at('s1:8300', refusing), at('s2:8300', refusing))
    expect(codesOf(lines)).toEqual(['ok', 'ok', 'host-evicted'])
    expect(lines[2]?.remedy).toContain('mesh token create')
  })
  test('another failure of a read is no verdict on this host', () => {
    const failing: ServerOutcome = { ...answered, refusal: { code: 'no-leader', message: 'x' } }
    expect(codesOf(judge(at('s1:8300', failing)))).toEqual(['ok', 'unseen'])
  })
  test('none is right for the first server and not yet known for a new host', () => {
    expect(codesOf(judgeServers({ servers: [], isServer: true }))).toEqual(['ok'])
    expect(codesOf(judgeServers({ servers: [], isServer: false }))).toEqual(['unseen'])
  })
})

describe('clock', () => {
  const server = (aheadMs: number | undefined) =>
    at('s1:8300', { kind: 'answered', aheadMs, refusal: undefined })
  const judge = (servers: readonly ServerFacts[], isSynchronised?: boolean, isContainer = false) =>
    judgeClock({ servers, isContainer, isSynchronised })

  test('an hour off either way is wrong and told in minutes', () => {
    expect(judge([server(-3_600_000)])[0]?.text).toContain('60 minutes ahead of that of server s1:8300')
    expect(judge([server(3_600_000)])[0]?.text).toContain('60 minutes behind that of server s1:8300')
    expect(codesOf(judge([server(-3_600_000)]))).toEqual(['clock-off'])
  })
  test('a minute off is a warning', () => {
    expect(judge([server(60_000)])).toMatchObject([{ code: 'clock-off', mark: 'warning' }])
    expect(judge([server(3_600_000)])).toMatchObject([{ code: 'clock-off', mark: 'wrong' }])
  })
  test('seconds are not, whatever the time service says', () => {
    expect(codesOf(judge([server(-5_000)], false))).toEqual(['ok'])
  })
  test('one wrong server among three is not this host’s fault', () => {
    expect(codesOf(judge([server(3_600_000), server(0), server(100)]))).toEqual(['ok'])
  })
  test('with nobody to compare with the time service is asked, but not in a container', () => {
    expect(codesOf(judge([], false))).toEqual(['clock-unsynchronised'])
    expect(codesOf(judge([server(undefined)], true))).toEqual(['ok'])
    expect(codesOf(judge([], undefined))).toEqual(['unseen'])
    expect(codesOf(judge([], undefined, true))).toEqual(['ok'])
  })
})

test('gossip that cannot be reached is a warning', () => {
  expect(judgeGossip({ peer: '10.0.0.1:8301', isReached: false, reason: 'x' })).toMatchObject([
    { code: 'gossip-refuses', mark: 'warning' },
  ])
  expect(codesOf(judgeGossip({ peer: '10.0.0.1:8301', isReached: true, reason: '' }))).toEqual(['ok'])
  expect(judgeGossip({ peer: undefined, isReached: false, reason: '' })).toEqual([])
})
