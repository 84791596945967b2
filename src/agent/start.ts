/**
 * `mesh agent`: the composition root. Answers local callers at once, whether servers are there or not; goes on to the
 * cluster when this host is enrolled. The rooms are joined in start-rooms.ts.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Failure, failed, ok, type Result } from '../model/errors.ts'
import { claimDirectory } from '../platform/claim.ts'
import { systemClock } from '../platform/clock.ts'
import { createDiagnostics } from '../platform/diagnostics.ts'
import { stopSignal, turning } from '../platform/lifecycle.ts'
import { createLog, type ProgramLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { ensureNodeId } from '../platform/node-id.ts'
import type { Log } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { createNotifier, type Notifier } from '../platform/systemd.ts'
import { createGrpcClient } from '../rpc/grpc-client.ts'
import { ensureLocalToken } from './access/local-token.ts'
import { createApi } from './api/create.ts'
import { listenTargets } from './api/targets.ts'
import { HostEnrollment } from './enrollment/enrollment.ts'
import { EnrollmentWaiting } from './enrollment/waiting.ts'
import { startProxyLink } from './link/proxy-link.ts'
import { SavedRegistrations } from './registry/saved-registrations.ts'
import type { AgentOptions } from './start-options.ts'
import { type AgentRooms, openRooms, type Surroundings } from './start-rooms.ts'

/** sysexits.h: the program is fine, what it was given is not; systemd does not start it again. */
const exitConfiguration = 78
const exitFailure = 1
/** Proxies of this host; the folder's group decides who that is. */
const linkMode = 0o660
const tokenFileBytes = 16 * 1024

/** Runs until SIGTERM or SIGINT; the number is the exit status. */
export async function startAgent(options: AgentOptions): Promise<number> {
  const { settings } = options.configuration
  const log = createLog({ ...settings.log, fields: { program: 'agent' } })
  const notifier = createNotifier(process.env)
  const directory = join(settings.dataDirectory, 'agent')
  const claim = await claimDirectory(directory)
  if (!claim.ok) return refused(log, claim.failure)
  const prepared = prepare(options, directory, log)
  if (!prepared.ok) return refused(log, prepared.failure)
  const { surroundings, localToken } = prepared.value
  const link = await startProxyLink({ ...surroundings, socketPath: options.sockets.link, mode: linkMode })
  if (!link.ok) return refused(log, link.failure)
  const rooms = openRooms(surroundings, link.value)
  const { promise: left, resolve: onLeft } = Promise.withResolvers<void>()
  const listening = await serveApi(options, surroundings, { rooms, localToken, onLeft })
  if (!listening.ok) return refused(log, listening.failure)
  const dns = await rooms.dns.listen()
  if (!dns.ok) return refused(log, dns.failure)
  const membership = joinOnceEnrolled(surroundings, rooms)
  await running(options, { rooms, notifier, log, membership, left })
  membership.stop()
  rooms.stop()
  await Promise.all([listening.value(), dns.value.close(), link.value.close()])
  return 0
}

/**
 * On a host whose server founds a mesh the first start is ready when the server let this agent in, so that whoever started
 * it can go on at once; but not later than this, because the agent serves local callers in any case. A further server
 * has to be let in itself first, by the very person who waits for the start to end.
 */
const ownServerWaitMs = 15_000
const leaveAfterMs = 100
const notEnrolled = 'waiting to be enrolled: run `mesh enroll` on this host'

interface Membership {
  /** This host is enrolled, and its agent connects to the servers. */
  readonly joined: Promise<void>
  isJoined(): boolean
  stop(): void
}

function joinOnceEnrolled(surroundings: Surroundings, rooms: AgentRooms): Membership {
  let isJoined = false
  const { promise: joined, resolve } = Promise.withResolvers<void>()
  const waiting = awaitEnrollment(surroundings, () => {
    isJoined = true
    rooms.join()
    resolve()
  })
  return { joined, isJoined: () => isJoined, stop: () => waiting.stop() }
}

interface Running {
  readonly rooms: AgentRooms
  readonly notifier: Notifier
  readonly log: ProgramLog
  readonly membership: Membership
  /** A client asked the agent to leave, and that is done. */
  readonly left: Promise<void>
}

/** Says when it is ready, obeys SIGHUP, and resolves when it is told to stop. */
async function running(options: AgentOptions, program: Running): Promise<void> {
  const { rooms, notifier, log, membership, left } = program
  const { nodeName, datacenter, server, servers, leaveOnTerminate } = options.configuration.settings
  const stopped = stopSignal()
  const status = (): string => (membership.isJoined() ? `${nodeName} in ${datacenter}` : notEnrolled)
  const endWatch = notifier.watch(turning())
  process.on('SIGHUP', () => {
    notifier.reloading()
    rooms.reload()
    notifier.ready(status())
  })
  if (server && servers.length === 0) await Promise.race([membership.joined, stopped, after(ownServerWaitMs)])
  log.info('serving', { node: nodeName, datacenter, version: options.version })
  notifier.ready(status())
  membership.joined.then(() => notifier.status(status()), ignored)
  const why = await Promise.race([stopped.then(() => 'stopped'), left.then(() => 'left')])
  log.info('stopping')
  notifier.stopping()
  if (why === 'stopped' && leaveOnTerminate) await new Promise<void>((done) => rooms.api.leave(done))
  endWatch()
}

const after = (delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    systemClock.after(delayMs, resolve)
  })

/** A promise that nobody rejects. */
const ignored = (): void => undefined

function refused(log: Log, failure: Failure): number {
  log.error('this agent does not start', { code: failure.code, reason: failure.message })
  const isLasting = failure.code === 'invalid-config' || failure.code === 'format-too-new'
  return isLasting ? exitConfiguration : exitFailure
}

interface Prepared {
  readonly surroundings: Surroundings
  readonly localToken: string
}

/** What this host is and has, before anything runs. */
function prepare(options: AgentOptions, directory: string, log: ProgramLog): Result<Prepared> {
  const { settings } = options.configuration
  const files = createStateFiles(directory)
  const metrics = createMetrics({ process: true })
  const shared = { files, log, metrics, clock: systemClock, random: systemRandom }
  const readable = new SavedRegistrations(files, log).readable()
  if (!readable.ok) return readable
  const nodeId = ensureNodeId(files, systemRandom, settings.nodeId)
  if (!nodeId.ok) return nodeId
  const localToken = ensureLocalToken(files, systemRandom)
  if (!localToken.ok) return localToken
  const enrollment = HostEnrollment.open({ ...shared, node: settings.nodeName, nodeId: nodeId.value })
  if (!enrollment.ok) return enrollment
  const surroundings = { ...shared, ...options, nodeId: nodeId.value, enrollment: enrollment.value }
  return ok({ surroundings, localToken: localToken.value })
}

async function serveApi(
  options: AgentOptions,
  surroundings: Surroundings,
  own: { readonly rooms: AgentRooms; readonly localToken: string; readonly onLeft: () => void },
): Promise<Result<() => Promise<void>>> {
  const { settings } = options.configuration
  const targets = listenTargets(settings, options.sockets.api)
  if (!targets.ok) return targets
  const api = createApi({
    ...surroundings,
    ...own.rooms.api,
    leave: (done) =>
      own.rooms.api.leave(() => {
        done()
        // The caller's answer goes out first.
        systemClock.after(leaveAfterMs, own.onLeft)
      }),
    settings,
    localToken: own.localToken,
    metricsPage: surroundings.metrics,
    logLines: surroundings.log,
    diagnostics: createDiagnostics(),
  })
  try {
    await api.listen(targets.value)
    return ok(() => api.close())
  } catch (error) {
    return failed(
      'internal',
      `the HTTP API cannot listen: ${error instanceof Error ? error.message : 'unknown'}`,
    )
  }
}

function awaitEnrollment(surroundings: Surroundings, onEnrolled: () => void): EnrollmentWaiting {
  const { settings } = surroundings.configuration
  const waiting = new EnrollmentWaiting({
    ...surroundings,
    tokenText: () =>
      readTokenFile(settings.enrollmentTokenFile) ??
      (settings.server ? readTokenFile(surroundings.sockets.token) : undefined),
    connect: (token) =>
      createGrpcClient({
        ...surroundings,
        servers: () => token.servers,
        identity: () => ({ kind: 'pinned', pin: token.pin }),
        holdTimeoutMs: settings.rpcHoldTimeoutMs,
      }),
    onEnrolled,
  })
  waiting.start()
  return waiting
}

function readTokenFile(path: string): string | undefined {
  if (path === '') return undefined
  try {
    return readFileSync(path, 'utf8').slice(0, tokenFileBytes)
  } catch {
    // Not there yet, or not readable yet: whoever provides it may still be at it.
    return undefined
  }
}
