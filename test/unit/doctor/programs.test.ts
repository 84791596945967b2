// What the doctor makes of units, of the identity of the host, and of what agent and servers say of themselves.
import { describe, expect, test } from 'vitest'
import {
  type IdentityFacts,
  judgeIdentity,
  type TokenFacts,
} from '../../../src/command/doctor/judge/identity.ts'
import {
  type ClusterFacts,
  judgeCluster,
  judgeRunning,
  judgeServices,
} from '../../../src/command/doctor/judge/mesh.ts'
import { judgePrograms, type UnitFacts } from '../../../src/command/doctor/judge/programs.ts'
import { readUnits } from '../../../src/command/doctor/look/units.ts'
import { failed, ok } from '../../../src/model/errors.ts'
import type { HostServiceJson, HostStateJson } from '../../../src/wire/http-json/host-state.ts'
import type { ClusterStatusJson } from '../../../src/wire/http-json/operator.ts'
import { wellHost as host, wellService as service } from '../command/well-host.ts'
import { agent, codesOf, problemsOf } from './lines.ts'

describe('units', () => {
  const running: UnitFacts = {
    program: 'agent',
    load: 'loaded',
    active: 'active',
    sub: 'running',
    result: 'success',
    fileState: 'enabled',
    restarts: 0,
    exitStatus: 0,
    activeForMs: 5_000,
    maxFiles: 524_288,
    isChanged: false,
  }
  const judge = (more: Partial<UnitFacts>, isBefore = false, systemdVersion = 252) =>
    judgePrograms({ units: [{ ...running, ...more }], systemdVersion, wanted: new Set(['agent']), isBefore })

  test.each([
    [{}, 'ok'],
    [{ load: 'masked', maxFiles: 20_000 }, 'unit-masked'],
    [{ load: 'not-found' }, 'unit-missing'],
    [{ active: 'failed', result: 'exit-code', exitStatus: 78 }, 'unit-failed'],
    [{ active: 'activating', sub: 'auto-restart' }, 'unit-restarting'],
    [{ active: 'activating', sub: 'start' }, 'ok'],
    [{ active: 'inactive', sub: 'dead' }, 'unit-stopped'],
    [{ restarts: 2 }, 'unit-unsteady'],
    // What restarted long ago is steady again.
    [{ restarts: 2, activeForMs: 86_400_000 }, 'ok'],
    [{ fileState: 'disabled' }, 'unit-disabled'],
    [{ maxFiles: 1_024 }, 'limit-low'],
    [{ isChanged: true }, 'unit-changed'],
  ])('%o is %s', (more, code) => {
    expect(codesOf(judge(more))).toEqual([code])
    for (const line of problemsOf(judge(more))) expect(line.remedy).not.toBe('')
  })
  test('before the first start nothing has to run', () => {
    expect(codesOf(judge({ active: 'inactive', sub: 'dead' }, true))).toEqual(['ok'])
    expect(codesOf(judge({ load: 'masked' }, true))).toEqual(['unit-masked'])
  })
  test('reasons are told in words', () => {
    expect(judge({ active: 'failed', result: 'watchdog' })[0]?.text).toContain(
      'its watchdog found it hanging',
    )
    expect(judge({ active: 'failed', result: 'exit-code', exitStatus: 78 })[0]?.text).toContain('(status 78)')
  })
  test('programs that the configuration does not want are not missed, and an old systemd is', () => {
    const facts = { units: [{ ...running, program: 'server', active: 'inactive' } as const], isBefore: false }
    const wanted = new Set(['agent', 'proxy'] as const)
    expect(judgePrograms({ ...facts, systemdVersion: 252, wanted })).toEqual([])
    expect(codesOf(judge({}, false, 241))).toEqual(['systemd-old', 'ok'])
    expect(codesOf(judgePrograms({ ...facts, units: undefined, systemdVersion: undefined, wanted }))).toEqual(
      ['unseen'],
    )
  })
  test('are read from what systemctl shows', () => {
    const shown = `Id=mesh-agent.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
UnitFileState=enabled
NRestarts=3
ExecMainStatus=0
ActiveEnterTimestampMonotonic=4000000
LimitNOFILE=524288
NeedDaemonReload=no

Id=mesh-server.service
LoadState=masked
ActiveState=inactive
SubState=dead
Result=success
UnitFileState=masked
NRestarts=0
ExecMainStatus=0
ActiveEnterTimestampMonotonic=0
LimitNOFILE=infinity
NeedDaemonReload=yes
`
    const [first, second] = readUnits(shown, 10_000)
    expect(first).toEqual({ ...running, restarts: 3, activeForMs: 6_000 })
    expect(second).toMatchObject({
      program: 'server',
      load: 'masked',
      activeForMs: undefined,
      maxFiles: Number.POSITIVE_INFINITY,
      isChanged: true,
    })
  })
})

describe('identity', () => {
  const day = 86_400_000
  const stored = { node: 'h1', notBeforeMs: 0, notAfterMs: 30 * day }
  const facts: IdentityFacts = {
    nodeName: 'h1',
    datacenter: 'dc1',
    isServer: false,
    isBefore: false,
    folder: '/s/agent',
    stored: ok(stored),
    nowMs: 10 * day,
    agent,
    token: undefined,
  }
  const open = { path: '/', isFolder: true, uid: 0, gid: 0, mode: 0o755 }
  const file = { path: '/t', isFolder: false, uid: 990, gid: 990, mode: 0o400 }
  const content = ok({ servers: ['s:8300'], pin: '', secret: '', node: 'h1', datacenter: 'dc1' })
  const token: TokenFacts = { path: '/t', way: [open, file], isThere: true, content }
  const codes = (more: Partial<IdentityFacts>) => codesOf(judgeIdentity({ ...facts, ...more }))

  test.each([
    [{}, 'ok'],
    [{ nowMs: 31 * day }, 'identity-expired'],
    [{ nowMs: -day }, 'identity-early'],
    [{ nowMs: 25 * day }, 'identity-ending'],
    [{ nodeName: 'h2' }, 'identity-renamed'],
    [{ stored: failed('invalid-config', 'damaged') }, 'identity-damaged'],
    [{ stored: 'unseen' }, 'unseen'],
  ] as const)('%o is %s', (more, code) => expect(codes(more)).toEqual([code]))

  const stranger = { stored: ok(undefined) }
  test.each([
    [{}, ['host-not-enrolled']],
    // A server lets its own agent in; before its first start that is still to come.
    [{ isServer: true, isBefore: true }, ['ok']],
    [{ isServer: true }, ['host-not-enrolled']],
    [{ token, isBefore: true }, ['ok']],
    [{ token }, ['ok', 'host-not-enrolled']],
    [{ token: { ...token, isThere: false } }, ['token-file-missing']],
    [{ token: { ...token, way: [open, { ...file, uid: 0 }] } }, ['token-file-unreadable']],
    [{ token: { ...token, content: failed('bad-request', 'damaged') } }, ['token-damaged']],
    [{ token, nodeName: 'h2' }, ['token-for-other']],
    [{ token, datacenter: 'dc2' }, ['token-for-other']],
    [{ token: { ...token, content: 'unseen' } }, ['unseen']],
  ] as const)('a host that is not enrolled, %#: %j', (more, wanted) => {
    expect(codes({ ...stranger, ...more })).toEqual(wanted)
  })
  test('no line repeats any part of a token', () => {
    const secret = ok({ servers: ['s:8300'], pin: 'aa:bb', secret: 'hunter2', node: 'x', datacenter: 'dc1' })
    const lines = judgeIdentity({ ...facts, ...stranger, token: { ...token, content: secret } })
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|aa:bb/)
  })
})

describe('the running agent', () => {
  const judge = (more: Partial<HostStateJson>) =>
    judgeRunning({ host: { value: { ...host, ...more } }, isAgentUp: true, installedVersion: '1.0.0' })

  test.each([
    [{}, 'ok'],
    [{ Version: '0.9.0' }, 'program-old'],
    [{ Proxies: [] }, 'proxy-away'],
    [{ Proxies: [{ Pid: 7, Version: '0.9.0', Refused: '' }] }, 'program-old'],
    [{ Proxies: [{ Pid: 7, Version: '1.0.0', Refused: 'port 21000 is taken' }] }, 'proxy-refused'],
    [{ Refused: { Code: 'token-expired', Message: 'x' } }, 'token-expired'],
    [{ Outage: { Code: 'host-evicted', Message: 'x' } }, 'host-evicted'],
    // Of servers that are away the lines about servers tell.
    [{ ConnectedTo: '', Outage: { Code: 'no-server', Message: 'x' } }, 'ok'],
  ])('%o is %s', (more, code) => expect(codesOf(judge(more))).toEqual([code]))

  test('one that does not answer hangs, one that is stopped was not asked', () => {
    const silent = { why: 'no answer in time', isLate: true }
    const judgeSilent = (isAgentUp: boolean, isLate: boolean) =>
      codesOf(judgeRunning({ host: { ...silent, isLate }, isAgentUp, installedVersion: '1.0.0' }))
    expect(judgeSilent(true, true)).toEqual(['agent-silent'])
    expect(judgeSilent(false, true)).toEqual(['unseen'])
    expect(judgeSilent(true, false)).toEqual(['unseen'])
  })
})

describe('services of this host', () => {
  const judge = (more: Partial<HostServiceJson>, isHeard: boolean | undefined = true) =>
    codesOf(judgeServices({ Services: [{ ...service, ...more }] }, () => isHeard))

  test('that listen, pass and have a certificate are well', () => expect(judge({})).toEqual(['ok']))
  test('that nobody hears, that fail, that get no certificate are not', () => {
    expect(judge({ Status: 'critical' }, false)).toEqual(['service-unheard'])
    expect(judge({ Status: 'critical' })).toEqual(['service-failing'])
    const refused = { Code: 'service-not-allowed', Message: 'x' }
    expect(judge({ CertificateUntil: '', CertificateRefused: refused })).toEqual(['leaf-refused'])
    // A renewal that failed once leaves the old certificate in force.
    expect(judge({ CertificateRefused: refused })).toEqual(['ok'])
  })
  test('on another machine, or in maintenance, are nobody’s fault', () => {
    expect(judge({}, undefined)).toEqual(['ok'])
    expect(judge({ Status: 'maintenance' })).toEqual(['ok'])
    expect(judge({ Port: 0 }, false)).toEqual(['ok'])
  })
})

describe('the servers together', () => {
  const status: ClusterStatusJson = {
    ID: 'x',
    Role: 'leader',
    Term: 1,
    Leader: '10.0.0.1:8300',
    HasQuorum: true,
    LostSince: '',
    Servers: [{ ID: 'x', Node: 's1', Address: '10.0.0.1:8300', Voter: true, State: 'leader', LastHeard: '' }],
    DiskFull: false,
    DivergedAt: 0,
    Advice: [],
  }
  const facts: ClusterFacts = {
    status: { value: status },
    servers: { why: 'not asked', isLate: false },
    rules: 1,
    isDenying: true,
    hasServices: true,
    installedVersion: '1.0.0',
  }
  const missing = {
    ID: 'y',
    Node: 's2',
    Address: '10.0.0.2:8300',
    Voter: true,
    State: 'missing',
    LastHeard: '',
  }

  test('with a leader and nobody missing are well', () =>
    expect(codesOf(judgeCluster(facts))).toEqual(['ok']))
  test('without a leader the missing ones are named', () => {
    const lost = { ...status, Leader: '', HasQuorum: false, LostSince: '2026-01-01T00:00:00Z' }
    const lines = judgeCluster({ ...facts, status: { value: { ...lost, Servers: [missing] } } })
    expect(lines).toMatchObject([{ code: 'leader-missing', mark: 'wrong' }])
    expect(lines[0]?.text).toContain('missing: s2')
  })
  test('one that is missing beside a leader is a warning, a full disk is not', () => {
    const servers = [...status.Servers, missing]
    expect(judgeCluster({ ...facts, status: { value: { ...status, Servers: servers } } })).toMatchObject([
      { code: 'server-away', mark: 'warning' },
    ])
    expect(codesOf(judgeCluster({ ...facts, status: { value: { ...status, DiskFull: true } } }))).toEqual([
      'disk-space-none',
    ])
  })
  test('without any intention where all is denied nobody may call, which is a warning', () => {
    expect(codesOf(judgeCluster({ ...facts, rules: 0 }))).toEqual(['rules-none'])
    expect(codesOf(judgeCluster({ ...facts, rules: 0, isDenying: false }))).toEqual(['ok'])
    expect(codesOf(judgeCluster({ ...facts, rules: 0, hasServices: false }))).toEqual(['ok'])
    expect(codesOf(judgeCluster({ ...facts, rules: undefined }))).toEqual(['ok'])
  })
  test('of another version than this host are told', () => {
    const server = { Name: 's1', Version: '0.9.0' }
    const servers = { value: { Servers: { x: server } } } as unknown as ClusterFacts['servers']
    expect(codesOf(judgeCluster({ ...facts, servers }))).toEqual(['server-version'])
  })
  test('that cannot be asked are not called well', () => {
    expect(codesOf(judgeCluster({ ...facts, status: { why: 'away', isLate: false } }))).toEqual(['unseen'])
  })
})
