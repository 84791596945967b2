// A pool of Debian's `serf` and our core: both see each other, probe each other, talk, and part. Skipped where `serf` is
// not installed (apt-get install serf; `.ci/run` does).
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { unwrap } from '../../src/model/errors.ts'
import { localParameters } from '../../src/swim/parameters.ts'
import { Keyring } from '../../src/wire/gossip/keyring.ts'
import { decodeCoordinate } from '../../src/wire/gossip/serf-coordinate.ts'
import { GossipAgent } from './gossip-agent.ts'

const run = promisify(execFile)

function isSerfInstalled(): boolean {
  try {
    execFileSync('serf', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const isInstalled = isSerfInstalled()
if (!isInstalled) process.stderr.write('serf-wire: skipped, there is no `serf` on the PATH\n')

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const key = Buffer.alloc(16, 5)
let hosts = 0

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

interface SerfPeer {
  readonly address: string
  readonly pid: number
  command(...args: readonly string[]): Promise<string>
  /** Status by name. */
  members(): Promise<Map<string, string>>
}

async function startSerf(node: string, isEncrypted: boolean): Promise<SerfPeer> {
  hosts += 1
  const address = `127.77.${process.pid % 200}.${hosts}`
  const rpc = `${address}:7373`
  const encrypt = isEncrypted ? ['-encrypt', key.toString('base64')] : []
  const args = ['agent', '-node', node, '-bind', `${address}:7946`, '-rpc-addr', rpc, '-profile', 'local']
  const child = spawn('serf', [...args, '-tag', 'role=peer', ...encrypt], { stdio: 'ignore' })
  closing.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const command = async (...more: readonly string[]): Promise<string> => {
    const [name = '', ...rest] = more
    const { stdout } = await run('serf', [name, `-rpc-addr=${rpc}`, ...rest])
    return stdout
  }
  const members = async (): Promise<Map<string, string>> => {
    const lines = (await command('members')).trim().split('\n')
    return new Map(lines.map((line) => [line.split(/\s+/)[0] ?? '', line.split(/\s+/)[2] ?? '']))
  }
  await eventually('serf answers', () =>
    members().then(
      () => true,
      () => false,
    ),
  )
  return { address, pid: child.pid ?? 0, command, members }
}

async function startOurs(node: string, isEncrypted: boolean): Promise<GossipAgent> {
  hosts += 1
  const address = `127.77.${process.pid % 200}.${hosts}`
  const keyring = unwrap(Keyring.from(isEncrypted ? [key] : []))
  const agent = new GossipAgent({ node, address, port: 7_946, parameters: localParameters, keyring })
  await agent.start()
  closing.push(() => agent.close())
  return agent
}

describe.skipIf(!isInstalled).each([
  ['in clear text', false],
  ['encrypted', true],
])('a pool with Debian’s serf, %s', (_name, isEncrypted) => {
  test('sees both kinds alive, probes, events, queries and leaves', async () => {
    const peer = await startSerf('peer-1', isEncrypted)
    const second = await startSerf('peer-2', isEncrypted)
    const ours = await startOurs('ours-1', isEncrypted)
    ours.exchange({ address: peer.address, port: 7_946 }, true)
    const other = await startOurs('ours-2', isEncrypted)
    other.exchange({ address: peer.address, port: 7_946 }, true)
    await second.command('join', peer.address)

    await eventually('all see four alive', async () => {
      const lists = [await peer.members(), await second.members()]
      const isSeen = lists.every(
        (list) => [...list.values()].filter((status) => status === 'alive').length === 4,
      )
      return isSeen && [ours, other].every((agent) => agent.swim.count('alive') === 4)
    })
    expect(ours.swim.member('peer-1')?.record.meta[0]).toBe(255)
    expect(await peer.command('members')).toMatch(/ours-1\s.*role=mesh/)

    await eventually('a serf answers our probe with its coordinate', () =>
      ours.events.some(
        (event) =>
          event.type === 'probed' &&
          event.member.name.startsWith('peer') &&
          decodeCoordinate(event.payload)?.vector.length === 8,
      ),
    )

    await peer.command('event', 'deploy', 'v1')
    await eventually('a user event arrives', () =>
      ours.heard.some((one) => one.type === 'user-event' && one.name === 'deploy'),
    )
    const answers = await peer.command('query', '-format=json', 'load')
    const { Acks, Responses } = JSON.parse(answers) as { Acks: string[]; Responses: Record<string, string> }
    expect(Acks).toEqual(expect.arrayContaining(['ours-1', 'ours-2']))
    expect(Responses).toMatchObject({ 'ours-1': '0.42', 'ours-2': '0.42' })
    if (isEncrypted)
      expect(await peer.command('keys', '-list')).toMatch(/BQUFBQUFBQUFBQUFBQUFBQ==\s+\[4\/4\]/)

    other.step({ type: 'leave' })
    await eventually('our leave is seen', async () => (await peer.members()).get('ours-2') === 'left')
    expect((await second.members()).get('ours-1')).toBe('alive')
    await second.command('leave')
    await eventually('its leave is seen', () => ours.swim.member('peer-2')?.status === 'left')

    process.kill(peer.pid, 'SIGKILL')
    await eventually('its death is seen', () => ours.swim.member('peer-1')?.status === 'dead')
    expect([...new Set([...ours.faults, ...other.faults])]).toEqual([])
  })

  test('keeps a serf from taking us for dead', async () => {
    const peer = await startSerf('peer-1', isEncrypted)
    const ours = await startOurs('ours-1', isEncrypted)
    ours.exchange({ address: peer.address, port: 7_946 }, true)
    await eventually('it sees us', async () => (await peer.members()).get('ours-1') === 'alive')
    const pings = (): number => ours.events.filter((event) => event.type === 'probed').length
    await eventually('five of our probes are answered', () => pings() >= 5)
    expect((await peer.members()).get('ours-1')).toBe('alive')
    expect(ours.events.some((event) => event.type === 'refuted' || event.type === 'suspected')).toBe(false)
  })
})
