// Which server founds a cluster and which one waits: two must never each found one.
import { expect, test } from 'vitest'
import { loadConfiguration } from '../../../src/config/load.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { beginningOf, lostLog, ownAddress } from '../../../src/server/founding.ts'

function settingsOf(text: string): Settings {
  const machine = { hostname: 's1', privateAddress: '10.0.0.1', interfaceAddresses: {} }
  const loaded = loadConfiguration([{ path: 'a.hcl', text: `server = true\n${text}` }], machine)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  return loaded.value.settings
}

const beginning = (text: string, hasToken = false): string =>
  beginningOf(settingsOf(text), ['10.0.0.1', '127.0.0.1'], hasToken).kind

test('a server that names no other founds; one that names another waits', () => {
  expect(beginning('')).toBe('found')
  expect(beginning('servers = ["10.0.0.2"]')).toBe('wait')
  expect(beginning('servers = ["10.0.0.1", "10.0.0.2"]')).toBe('wait')
})

test.each(['10.0.0.1', '10.0.0.1:8300', 's1:8300', 'localhost:8300', '127.0.0.1'])(
  'its own address %s does not count',
  (server) => {
    expect(beginning(`servers = ["${server}"]`)).toBe('found')
  },
)

test('its own address at another port is another server, and so is a name that it does not know', () => {
  expect(beginning('servers = ["10.0.0.1:8301"]')).toBe('wait')
  expect(beginning('servers = ["s1.example.org"]')).toBe('wait')
  expect(beginning('bind_addr = "10.0.0.9"\nservers = ["10.0.0.1"]')).toBe('wait')
})

test('a server that holds a token for a server wants to join, not to found', () => {
  expect(beginning('', true)).toBe('wait')
})

test('of the servers of bootstrap_expect exactly one founds', () => {
  const all = ['10.0.0.3', '10.0.0.1', '10.0.0.2']
  const list = `bootstrap_expect = 3\nservers = [${all.map((server) => `"${server}"`).join(', ')}]`
  const kinds = all.map(
    (host) => beginningOf(settingsOf(`${list}\nadvertise_addr = "${host}"`), [host], false).kind,
  )
  expect(kinds).toEqual(['wait', 'found', 'wait'])
  const founder = beginningOf(settingsOf(list), ['10.0.0.1'], false)
  expect(founder).toEqual({ kind: 'found', others: ['10.0.0.3:8300', '10.0.0.2:8300'] })
})

test('bootstrap_expect that does not fit the list is refused', () => {
  expect(beginning('bootstrap_expect = 1')).toBe('found')
  expect(beginning('bootstrap_expect = 3')).toBe('refuse')
  expect(beginning('bootstrap_expect = 3\nservers = ["10.0.0.1", "10.0.0.2"]')).toBe('refuse')
  expect(beginning('bootstrap_expect = 2\nservers = ["10.0.0.2", "10.0.0.3"]')).toBe('refuse')
  expect(beginning('bootstrap_expect = 2\nservers = ["10.0.0.1", "s1"]')).toBe('refuse')
})

test('an IPv6 address is written with brackets before its port', () => {
  expect(ownAddress(settingsOf('advertise_addr = "fd00::1"'))).toBe('[fd00::1]:8300')
  expect(
    beginningOf(settingsOf('advertise_addr = "fd00::1"\nservers = ["[fd00::1]:8300"]'), [], false).kind,
  ).toBe('found')
})

test('a server whose log is gone though it had one does not start; one that was just let in does', () => {
  expect(lostLog(true, true)?.failure).toMatchObject({
    code: 'log-damaged',
    message: expect.stringContaining('mesh operator raft rejoin'),
  })
  expect(lostLog(true, false)).toBeUndefined()
  expect(lostLog(false, true)).toBeUndefined()
})
