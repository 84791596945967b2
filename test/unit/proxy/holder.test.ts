// The holder's decisions, with workers and handles of the test.
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import type { ListenAddress, ListeningHandle } from '../../../src/platform/ports.ts'
import { Holder, type WorkerEvents } from '../../../src/proxy/holder/holder.ts'
import { type FromHolder, type ListenRequest, listenKey } from '../../../src/proxy/holder/message.ts'
import { type Isolation, scopeName } from '../../../src/proxy/holder/scope.ts'
import { recordLog } from './lab.ts'
import { virtualClock } from './virtual-clock.ts'

interface FakeWorker {
  readonly pid: number
  readonly got: string[]
  readonly scope: string
  readonly events: WorkerEvents
}

function lab(isolation: Isolation = 'host') {
  const clock = virtualClock()
  const log = recordLog()
  const workers: FakeWorker[] = []
  const open = new Set<string>()
  const taken = new Set<string>()
  const killed: number[] = []
  const holder = new Holder({
    clock,
    log,
    handles: {
      open(at, done) {
        const key = listenKey(at)
        if (taken.has(key)) {
          done(undefined, `cannot listen on ${key}`)
          return
        }
        open.add(key)
        const handle: ListeningHandle = { native: { key }, port: 1, close: () => open.delete(key) }
        done(handle, '')
      },
    },
    isolation,
    spawn(scope, events) {
      const pid = 100 + workers.length
      const got: string[] = []
      workers.push({ pid, got, events, scope: scopeName(scope) })
      return {
        pid,
        kill: () => {
          killed.push(pid)
        },
        send(message: FromHolder, handle?: object) {
          if (message.kind === 'handle') got.push(`handle ${(handle as { key: string }).key}`)
          else if (message.kind === 'stop') got.push(`stop ${message.drainMs}`)
          else got.push(['listened', ...message.failures.map((failure) => failure.reason)].join(' '))
        },
      }
    },
  })
  holder.start()
  return { clock, log, workers, open, taken, killed, holder }
}

const tcp = (port: number): ListenAddress => ({ kind: 'tcp', address: '127.0.0.1', port })

function ask(
  worker: FakeWorker | undefined,
  ports: readonly number[],
  missing = ports,
  release = true,
): void {
  const request: ListenRequest = {
    kind: 'listen',
    id: 1,
    wanted: ports.map(tcp),
    missing: missing.map((port) => listenKey(tcp(port))),
    release,
  }
  worker?.events.onMessage(request)
}

test('a worker gets the handles that it lacks, then an answer that names what could not be opened', () => {
  const { workers, taken } = lab()
  taken.add('127.0.0.1:2')
  ask(workers[0], [1, 2, 3])
  expect(workers[0]?.got).toEqual([
    'handle 127.0.0.1:1',
    'handle 127.0.0.1:3',
    'listened cannot listen on 127.0.0.1:2',
  ])
  ask(workers[0], [1, 3, 4], [4])
  expect(workers[0]?.got.slice(3)).toEqual(['handle 127.0.0.1:4', 'listened'])
})

test('handles outlive their worker and go to the next one; released ones are closed', () => {
  const { workers, open } = lab()
  ask(workers[0], [1, 2])
  workers[0]?.events.onExit('SIGKILL')
  expect([...open]).toEqual(['127.0.0.1:1', '127.0.0.1:2'])
  // The next worker knows an older state and has not heard the agent: nothing is closed for it.
  ask(workers[1], [1], [1], false)
  expect([workers[1]?.got, [...open]]).toEqual([
    ['handle 127.0.0.1:1', 'listened'],
    ['127.0.0.1:1', '127.0.0.1:2'],
  ])
  ask(workers[1], [1], [], true)
  expect([...open]).toEqual(['127.0.0.1:1'])
})

test('workers that die young are started with growing waits, up to a limit, and at once after a long life', () => {
  const { workers, clock } = lab()
  const waits: number[] = []
  for (let round = 0; round < 12; round += 1) {
    const count = workers.length
    workers.at(-1)?.events.onExit('SIGSEGV')
    let waited = 0
    for (; workers.length === count; waited += 50) clock.advance(50)
    waits.push(waited)
  }
  expect(waits.slice(0, 5)).toEqual([0, 100, 200, 400, 800])
  expect(Math.max(...waits)).toBe(limits.workerRestartMaxMs)
  clock.advance(limits.workerStableMs)
  const count = workers.length
  workers.at(-1)?.events.onExit('SIGKILL')
  expect(workers).toHaveLength(count + 1)
})

test('on reload the old worker serves until the new one has its listeners', () => {
  const { workers, holder } = lab()
  ask(workers[0], [1])
  holder.reload()
  expect(workers[0]?.got).not.toContain(`stop ${limits.workerReplacedDrainMs}`)
  expect(holder.workerPid).toBe(100)
  ask(workers[1], [1])
  expect(holder.workerPid).toBe(101)
  expect(workers[0]?.got.at(-1)).toBe(`stop ${limits.workerReplacedDrainMs}`)
  workers[0]?.events.onExit('exit status 0')
  expect(workers).toHaveLength(2)
})

test('a new worker that dies before it serves changes nothing', () => {
  const { workers, holder } = lab()
  ask(workers[0], [1])
  holder.reload()
  workers[1]?.events.onExit('exit status 1')
  expect([holder.workerPid, workers.length]).toEqual([100, 2])
  expect(workers[0]?.got).toEqual(['handle 127.0.0.1:1', 'listened'])
})

test('when the old worker dies during a reload the new one is the worker', () => {
  const { workers, holder } = lab()
  ask(workers[0], [1])
  holder.reload()
  workers[0]?.events.onExit('SIGKILL')
  expect([holder.workerPid, workers.length]).toEqual([101, 2])
})

test('stop closes the addresses, asks the worker to end, and kills it when it does not', () => {
  const { workers, holder, open, clock, killed } = lab()
  ask(workers[0], [1])
  let stopped = false
  holder.stop(() => {
    stopped = true
  })
  expect([[...open], workers[0]?.got.at(-1), stopped]).toEqual([[], `stop ${limits.workerDrainMs}`, false])
  clock.advance(60_000)
  expect(killed).toEqual([100])
  workers[0]?.events.onExit('SIGKILL')
  expect([stopped, workers.length]).toEqual([true, 1])
})

const beat = (worker: FakeWorker | undefined): void => worker?.events.onMessage({ kind: 'alive' })

test('a worker that hangs is killed and replaced; one that says that it is alive is not', () => {
  const { workers, clock, killed } = lab()
  ask(workers[0], [1])
  for (let beats = 0; beats < 3 * limits.workerMissedBeats; beats += 1) {
    beat(workers[0])
    clock.advance(limits.workerBeatMs)
  }
  expect(killed).toEqual([])
  clock.advance(limits.workerMissedBeats * limits.workerBeatMs)
  expect(killed).toEqual([100])
  workers[0]?.events.onExit('SIGKILL')
  expect(workers).toHaveLength(2)
})

test('a new worker that never serves is given up in time and killed, and the old one goes on', () => {
  const { workers, clock, holder, killed } = lab()
  ask(workers[0], [1])
  const outcomes: unknown[] = []
  holder.reload(5_000, (all) => outcomes.push(...all))
  for (let waitedMs = 0; waitedMs < limits.workerSuccessionMs; waitedMs += limits.workerBeatMs) {
    for (const worker of workers) beat(worker)
    clock.advance(limits.workerBeatMs)
  }
  expect([killed, holder.workerPid]).toEqual([[101], 100])
  expect(outcomes).toMatchObject([{ worker: 'host', kind: 'failed', pid: 100 }])
  // A late answer does not make it the worker.
  ask(workers[1], [1])
  expect(holder.workerPid).toBe(100)
})

test('a replaced worker that does not end after its time is killed', () => {
  const { workers, clock, holder, killed } = lab()
  ask(workers[0], [1])
  holder.reload(5_000)
  ask(workers[1], [1])
  expect(workers[0]?.got.at(-1)).toBe('stop 5000')
  for (let waitedMs = 0; waitedMs < 5_000 + 2 * limits.lingerMs; waitedMs += limits.workerBeatMs) {
    expect(killed).toEqual([])
    beat(workers[1])
    clock.advance(limits.workerBeatMs)
  }
  expect(killed).toEqual([100])
})

/** A holder with one worker per service, whose guide has named `names`. */
function guided(names: readonly string[]) {
  const all = lab('service')
  const guide = all.workers[0]
  const follow = (next: readonly string[]): void => guide?.events.onMessage({ kind: 'services', names: next })
  follow(names)
  const of = (service: string): FakeWorker | undefined =>
    all.workers.findLast(({ scope }) => scope === `service ${service}`)
  return { ...all, follow, of }
}

test('with isolation each service that the guide names has a worker, and one that it names no more is ended', () => {
  const { workers, of, follow, open } = guided(['web', 'backend'])
  expect(workers.map(({ scope }) => scope)).toEqual(['guide', 'service web', 'service backend'])
  ask(of('web'), [1])
  ask(of('backend'), [2])
  expect([...open]).toEqual(['127.0.0.1:1', '127.0.0.1:2'])
  follow(['backend', 'cache'])
  expect([...open]).toEqual(['127.0.0.1:2'])
  expect(of('web')?.got.at(-1)).toBe(`stop ${limits.workerReplacedDrainMs}`)
  of('web')?.events.onExit('exit status 0')
  expect(workers.map(({ scope }) => scope)).toEqual([
    'guide',
    'service web',
    'service backend',
    'service cache',
  ])
})

test('workers of two services never listen on one address: the later one is told, and gets it when it is free', () => {
  const { of } = guided(['web', 'backend'])
  ask(of('web'), [1, 2])
  ask(of('backend'), [2])
  expect(of('backend')?.got).toEqual(['listened 127.0.0.1:2 belongs to another worker'])
  ask(of('web'), [1], [])
  ask(of('backend'), [2])
  expect(of('backend')?.got.at(-2)).toBe('handle 127.0.0.1:2')
})

test('a crash of one service’s worker restarts that one alone', () => {
  const { workers, of } = guided(['web', 'backend'])
  of('web')?.events.onExit('SIGSEGV')
  expect(workers.map(({ scope }) => scope)).toEqual([
    'guide',
    'service web',
    'service backend',
    'service web',
  ])
})

test('an upgrade replaces the workers one after the other and says how each went', () => {
  const { workers, of, holder, follow } = guided(['web', 'backend'])
  ask(of('web'), [1])
  ask(of('backend'), [2])
  const outcomes: object[] = []
  holder.reload(1_000, (all) => outcomes.push(...all))
  expect(workers.map(({ scope }) => scope).slice(3)).toEqual(['guide'])
  workers[3]?.events.onMessage({ kind: 'services', names: ['web', 'backend'] })
  of('web')?.events.onExit('exit status 78')
  ask(of('backend'), [2])
  expect(workers.map(({ scope }) => scope).slice(3)).toEqual(['guide', 'service web', 'service backend'])
  expect(outcomes).toEqual([
    { worker: 'guide', kind: 'replaced', oldPid: 100, pid: 103 },
    { worker: 'service web', kind: 'failed', pid: 101, reason: 'it died: exit status 78' },
    { worker: 'service backend', kind: 'replaced', oldPid: 102, pid: 105 },
  ])
  // The guide of before has no say any more.
  follow([])
  expect(workers).toHaveLength(6)
  expect(of('backend')?.got.filter((each) => each.startsWith('stop'))).toEqual([])
})
