/**
 * One worker, put together: link, state, listeners, counters. Everything of the machine comes in as ports, so that two
 * workers run in one test process. Whole processes are start-worker.ts.
 */
import { limits } from '../../model/limits.ts'
import type { Clock, LineFile, Log, Random, SocketOwners, StateFiles } from '../../platform/ports.ts'
import { Balancers } from '../balance/balancers.ts'
import { createExpiryWatch } from '../identity/expiry.ts'
import { ConnectionBudget } from '../lifecycle/budget.ts'
import { drain } from '../lifecycle/drain.ts'
import { InboundPlaces } from '../lifecycle/places.ts'
import type { ListenerContext } from '../listener/context.ts'
import { type HandleSource, Listeners } from '../listener/listeners.ts'
import { createAccessLog } from '../telemetry/access-log.ts'
import { PairCounters } from '../telemetry/counters.ts'
import { StatsSender } from '../telemetry/stats-sender.ts'
import { BufferPool } from '../transport/buffers.ts'
import { TurnEnd } from '../transport/outbox.ts'
import { TunnelSessions } from '../transport/tunnel-sessions.ts'
import { Applier } from './applier.ts'
import { createLastGood } from './last-good.ts'
import { LinkClient, type LinkOptions } from './link-client.ts'

export interface WorkerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The proxy's own folder. */
  readonly files: StateFiles
  readonly handles: HandleSource
  readonly owners: SocketOwners
  readonly linkSocketPath: string
  readonly pid: number
  /** Version of the product. */
  readonly version: string
  /** For the access log; without it the lines stand in `log`. */
  readonly accessFile?: LineFile
  /** Default: `limits.connectionsPerWorker`. */
  readonly maxConnections?: number
  /** The only local service that it serves; absent: all of them. */
  readonly service?: string
}

export interface ProxyWorker {
  readonly counters: PairCounters
  /** Clients and sessions open now. */
  connections(): number
  /**
   * Ends: no new connections, `drainMs` for the open ones, then `done`. Until then the link stays up and the policy of
   * the moment holds for what is open.
   */
  stop(drainMs: number, done: () => void): void
}

export function startWorker(options: WorkerOptions): ProxyWorker {
  const { clock, random, log } = options
  const counters = new PairCounters()
  const budget = new ConnectionBudget(options.maxConnections ?? limits.connectionsPerWorker)
  const lastGood = createLastGood(options.files, clock, log)
  const expiry = createExpiryWatch(clock, log)
  const trust = () => applier.state.tables.trust
  const place = { clock, pool: new BufferPool(), turnEnd: new TurnEnd(), trust }
  const context: ListenerContext = {
    clock,
    log,
    budget,
    places: new InboundPlaces(),
    balancers: new Balancers({ clock, random, log }),
    counters,
    accessLog: createAccessLog({ log, counters, clock, file: options.accessFile }),
    tables: () => applier.state.tables,
    place,
    owners: options.owners,
    sessions: new TunnelSessions(place),
  }
  const listeners = new Listeners(context, options.handles)
  const link = new LinkClient(linkOptionsOf(options), {
    onUp: () => {
      applier.onUp()
      stats.sendAll()
    },
    onMessage: (message) => applier.onMessage(message),
  })
  const applier = new Applier(
    {
      clock,
      log,
      lastGood,
      expiry,
      send: (message) => link.send(message),
      hangUp: (reason) => link.hangUp(reason),
      settled: () => link.settled(),
      configured: () => stats.configured(),
    },
    listeners,
  )
  const stats = new StatsSender(
    clock,
    counters,
    () => {
      const draining = listeners.draining(applier.state.tables)
      return { open: budget.open, expired: expiry.expired(), draining }
    },
    (gauges, pairs) => link.send({ kind: 'stats', ...gauges, pairs }),
  )
  applier.start()
  link.start()
  stats.start()
  return {
    counters,
    connections: () => listeners.count(),
    stop(drainMs, done) {
      // The folder belongs to the worker that comes after.
      lastGood.stop()
      // Whoever replaces this worker may do so because the file was renamed.
      options.accessFile?.reopen()
      drain({ listeners, budget, clock, drainMs }, () => {
        link.stop()
        applier.stop()
        expiry.stop()
        stats.stop()
        if (options.accessFile === undefined) done()
        else options.accessFile.close(done)
      })
    },
  }
}

function linkOptionsOf(options: WorkerOptions): LinkOptions {
  const { linkSocketPath: socketPath, pid, version, clock, random, log, service } = options
  const worker = Buffer.from(random.bytes(12)).toString('hex')
  const own = { socketPath, pid, worker, version, clock, random, log }
  return service === undefined ? own : { ...own, part: { kind: 'service', service } }
}
