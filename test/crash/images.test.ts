// Crash images: a run of real servers is cut at every operation of one server's disk, any subset of what was not synced
// is dropped or torn, and the server is started on what is left. What it had promised by then must be there.
import { expect, test } from 'vitest'
import type { NodeId } from '../../src/model/ids.ts'
import type { LogPosition } from '../../src/model/log-entry.ts'
import { recoverHardState } from '../../src/server/consensus/hard-state.ts'
import { recoverLog } from '../../src/server/consensus/recovery.ts'
import { Snapshots } from '../../src/server/consensus/snapshots.ts'
import type { DiskOperation, SimulatedDisk } from '../simulation/disk.ts'
import { SeededRandom } from '../simulation/random.ts'
import { Servers } from '../simulation/servers.ts'

/** What a server has told others, and its clients, so far. */
interface Promises {
  /** The newest term that it answered in, and whom it voted for in it. */
  term: number
  vote: NodeId | undefined
  /** Its log reached at least to here, as told to the leader of `matchTerm`. */
  match: LogPosition | undefined
  matchTerm: number
  /** Writes that a client was told are done. */
  readonly acknowledged: Map<string, number>
}

interface Image {
  readonly at: string
  readonly disk: SimulatedDisk
  readonly promises: Promises
}

interface Plan {
  readonly seed: number
  readonly names: readonly string[]
  /** Images per operation. */
  readonly subsets: number
  readonly plant?: (disk: SimulatedDisk) => void
}

/** Runs servers under load with elections and snapshots, and takes images of the first one's disk on the way. */
function record(plan: Plan): readonly Image[] {
  const { seed, names } = plan
  const servers = new Servers({
    seed,
    segmentBytes: 2_000,
    thresholds: { afterEntries: 25, afterBytes: 1e9, trailEntries: 5 },
    syncMaxMs: 3,
  })
  const random = new SeededRandom(seed)
  const images: Image[] = []
  const promises: Promises = {
    term: 0,
    vote: undefined,
    match: undefined,
    matchTerm: 0,
    acknowledged: new Map(),
  }
  const [name = ''] = names
  const { disk } = servers.machine(name)
  plan.plant?.(disk)
  disk.onOperation = (operation: DiskOperation, path: string) => {
    for (let n = 0; n < plan.subsets; n += 1) {
      const image = disk.fork(servers.clock, random.fork())
      image.crash(random.fork())
      const copied = { ...promises, acknowledged: new Map(promises.acknowledged) }
      images.push({ at: `${operation} ${path} ${images.length}`, disk: image, promises: copied })
    }
  }
  watchPromises(servers, name, promises)
  servers.bootstrap(names)
  for (let step = 0; step < 60; step += 1) {
    servers.clock.run(random.between(1, 30))
    const leader = servers.leader()
    if (leader?.driver === undefined) servers.clock.run(400)
    else
      for (let n = random.below(4); n > 0; n -= 1) proposeWord(servers, leader.id, `${step}.${n}`, promises)
    if (step % 12 === 11 && names.length > 1) leader?.driver?.transferLeadership(undefined, () => undefined)
  }
  return images
}

function proposeWord(servers: Servers, leader: NodeId, word: string, promises: Promises): void {
  servers.propose(leader, word, (result) => {
    if (result.ok && servers.machines.size === 1) promises.acknowledged.set(word, result.value.index)
  })
}

/** Reads the server's promises off the wire, where they become binding. */
function watchPromises(servers: Servers, name: string, promises: Promises): void {
  const { network } = servers
  const send = network.send.bind(network)
  network.send = (from, to, message) => {
    send(from, to, message)
    const binds =
      message.type === 'vote' ||
      message.type === 'append-accepted' ||
      (message.type === 'vote-response' && message.granted)
    if (from !== name || !binds) return
    if (message.term > promises.term) {
      promises.term = message.term
      promises.vote = undefined
    }
    if (message.type === 'vote') promises.vote = servers.machine(name).id
    if (message.type === 'vote-response') promises.vote = servers.machine(to).id
    if (message.type !== 'append-accepted') return
    const { disk } = servers.machine(name)
    const log = recoverLog(disk.fork(servers.clock, new SeededRandom(1)))
    const term = log.ok ? log.value.terms.at(message.match) : undefined
    const isNews = message.term > promises.matchTerm || message.match >= (promises.match?.index ?? 0)
    if (term === undefined || !isNews) return
    promises.match = { index: message.match, term }
    promises.matchTerm = message.term
  }
}

/** What is wrong with starting on this image; undefined if nothing is. */
function fault({ disk, promises }: Image): string | undefined {
  const servers = new Servers({ seed: 1 })
  const machine = servers.adopt('a', disk)
  servers.start('a')
  servers.clock.run(50)
  if (machine.failure !== undefined) return `start refused: ${machine.failure.message}`
  const hardState = recoverHardState(machine.disk)
  const log = recoverLog(machine.disk)
  if (!hardState.ok || !log.ok) return 'not readable after the start'
  const { term, vote } = hardState.value.state
  // Alone it goes on to elect itself; what it had promised must be behind it.
  if (term < promises.term) return `term ${promises.term} forgotten`
  if (term === promises.term && promises.vote !== undefined && vote !== promises.vote)
    return `vote for ${promises.vote} in term ${term} forgotten`
  const { match } = promises
  const snapshot = new Snapshots(machine.disk).newest?.last.index ?? 0
  if (match !== undefined && term === promises.matchTerm && match.index > snapshot)
    if (log.value.terms.at(match.index) !== match.term) return `entry ${match.index} was promised and is lost`
  if (promises.acknowledged.size === 0) return undefined
  servers.clock.run(3_000)
  const words = new Map(machine.ledger.words.map((line) => line.split(' ').reverse() as [string, string]))
  for (const [word, index] of promises.acknowledged)
    if (words.get(word) !== String(index)) return `${word} was acknowledged and is lost`
  return undefined
}

const faultsOf = (images: readonly Image[]): readonly string[] =>
  images.flatMap((image) => {
    const found = fault(image)
    return found === undefined ? [] : [`${image.at}: ${found}`]
  })

test('a server that is alone loses nothing acknowledged at any cut', () => {
  const images = record({ seed: 1, names: ['a'], subsets: 6 })
  expect(images.length).toBeGreaterThan(1_000)
  expect(faultsOf(images)).toEqual([])
})

test('a server among three forgets no vote and no promised entry at any cut', () => {
  const images = record({ seed: 2, names: ['a', 'b', 'c'], subsets: 6 })
  expect(images.length).toBeGreaterThan(1_000)
  expect(images.at(-1)?.promises.match?.index).toBeGreaterThan(30)
  expect(faultsOf(images)).toEqual([])
})

const countOf = (found: readonly string[], text: string): number =>
  found.filter((line) => line.includes(text)).length

test('the images bite: a log whose sync does nothing loses writes and entries', () => {
  const plant = (disk: SimulatedDisk): void => {
    let syncs = 0
    disk.ignoresSync = (path) => {
      syncs += 1
      // The set-up stays whole, or every start would be refused instead of losing something.
      return syncs > 12 && path.startsWith('wal/')
    }
  }
  const alone = faultsOf(record({ seed: 3, names: ['a'], subsets: 2, plant }))
  expect(countOf(alone, 'was acknowledged and is lost')).toBeGreaterThan(5)
  const among = faultsOf(record({ seed: 3, names: ['a', 'b', 'c'], subsets: 4, plant }))
  expect(countOf(among, 'was promised and is lost')).toBeGreaterThan(5)
})

test('the images bite: a log that is acknowledged before its sync loses writes and entries', () => {
  const plant = (disk: SimulatedDisk): void => {
    disk.syncsLateMs = (path) => (path.startsWith('wal/') ? 20 : 0)
  }
  const alone = faultsOf(record({ seed: 5, names: ['a'], subsets: 2, plant }))
  expect(countOf(alone, 'was acknowledged and is lost')).toBeGreaterThan(5)
  const among = faultsOf(record({ seed: 5, names: ['a', 'b', 'c'], subsets: 4, plant }))
  expect(countOf(among, 'was promised and is lost')).toBeGreaterThan(5)
})

test('the images bite: term and vote that reach the disk after the entries are older than the log', () => {
  const plant = (disk: SimulatedDisk): void => {
    disk.syncsLateMs = (path) => (path === 'hard-state' ? 20 : 0)
  }
  const found = [6, 7].flatMap((seed) =>
    faultsOf(record({ seed, names: ['a', 'b', 'c'], subsets: 4, plant })),
  )
  expect(countOf(found, 'older than the log')).toBeGreaterThan(0)
  expect(countOf(found, 'forgotten')).toBeGreaterThan(0)
})

test('the images bite: a record of votes whose sync does nothing forgets them', () => {
  const plant = (disk: SimulatedDisk): void => {
    disk.ignoresSync = (path) => path === 'hard-state'
  }
  const found = [3, 4].flatMap((seed) =>
    faultsOf(record({ seed, names: ['a', 'b', 'c'], subsets: 4, plant })),
  )
  expect(countOf(found, 'forgotten') + countOf(found, 'older than the log')).toBeGreaterThan(5)
})

test('the images bite: a disk that forgets names of files loses what was promised', () => {
  const plant = (disk: SimulatedDisk): void => {
    disk.ignoresDirectorySync = true
  }
  const found = faultsOf(record({ seed: 4, names: ['a'], subsets: 2, plant }))
  expect(countOf(found, 'start refused')).toBeGreaterThan(5)
})
