/**
 * `mesh server`: the composition root. Everything below gets what it needs as arguments; this file alone names adapters
 * of the machine. The order is: claim the data directory, open the log, lead or wait for a leader, then serve.
 */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatConfigError } from '../config/format.ts'
import type { Configuration, Loaded, SourceFile } from '../config/settings.ts'
import type { Failure, Result } from '../model/errors.ts'
import { claimDirectory } from '../platform/claim.ts'
import { systemClock } from '../platform/clock.ts'
import { stopSignal, turning } from '../platform/lifecycle.ts'
import { createLog, type ProgramLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { ensureNodeId } from '../platform/node-id.ts'
import type { Log } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import { createStateFiles } from '../platform/state-files.ts'
import { createNotifier, type Notifier } from '../platform/systemd.ts'
import { type Listener, listenLocal, listenTls } from '../rpc/listener.ts'
import { openCluster } from './start-cluster.ts'
import { openRooms, type ServerRooms } from './start-rooms.ts'

export interface ServerOptions {
  readonly configuration: Configuration
  readonly load: (sources: readonly SourceFile[]) => Loaded<Configuration>
  readonly configurationPaths: readonly string[]
  readonly sockets: { readonly server: string; readonly token: string }
  readonly version: string
}

/** sysexits.h: the program is fine, what it was given is not; systemd does not start it again. */
const exitConfiguration = 78
const exitFailure = 1
/** Operators of this machine; the folder's group decides who that is. */
const socketMode = 0o660

/** Runs until SIGTERM or SIGINT; the number is the exit status. */
export async function startServer(options: ServerOptions): Promise<number> {
  const { settings } = options.configuration
  const log = createLog({ ...settings.log, fields: { program: 'server' } })
  const notifier = createNotifier(process.env)
  if (!settings.server) return refused(log, notSet)
  const directory = join(settings.dataDirectory, 'server')
  const claim = await claimDirectory(directory)
  if (!claim.ok) return refused(log, claim.failure)
  const files = createStateFiles(directory)
  const id = ensureNodeId(files, systemRandom, settings.nodeId)
  if (!id.ok) return refused(log, id.failure)
  notifier.status('reading the log')
  const shared = {
    settings,
    version: options.version,
    files,
    log,
    clock: systemClock,
    random: systemRandom,
    metrics: createMetrics({ process: true }),
  }
  const cluster = await openCluster({ ...shared, directory, id: id.value }, (failure) => {
    log.error('the disk failed; this server ends, because it can promise nothing any more', { ...failure })
    process.exit(exitFailure)
  })
  if (!cluster.ok) return refused(log, cluster.failure)
  const rooms = openRooms({ ...shared, cluster: cluster.value })
  if (!rooms.ok) return refused(log, rooms.failure)
  return serve(options, rooms.value, { log, notifier })
}

const notSet: Failure = {
  code: 'invalid-config',
  message: 'this host is not a server; set `server = true` in its configuration if it should be one',
}

function refused(log: Log, failure: Failure): number {
  log.error('this server does not start', { code: failure.code, reason: failure.message })
  return failure.code === 'conflict' ? exitFailure : exitConfiguration
}

interface Voice {
  readonly log: ProgramLog
  readonly notifier: Notifier
}

async function serve(options: ServerOptions, rooms: ServerRooms, voice: Voice): Promise<number> {
  const { settings } = options.configuration
  const { log, notifier } = voice
  const listening = await listen(options, rooms)
  if (!listening.ok) return refused(log, listening.failure)
  const endWatch = notifier.watch(turning())
  const ready = `serving ${settings.advertiseAddress}:${settings.ports.server}`
  process.on('SIGHUP', () => {
    notifier.reloading()
    reload(options, log)
    notifier.ready(ready)
  })
  rooms.inviteOwnAgent((token) => offer(options, token, log))
  log.info('serving', {
    address: settings.advertiseAddress,
    port: settings.ports.server,
    version: options.version,
  })
  notifier.ready(ready)
  await stopSignal()
  log.info('stopping')
  notifier.stopping()
  endWatch()
  await Promise.all(listening.value.map((listener) => new Promise<void>((done) => listener.close(done))))
  await new Promise<void>((done) => rooms.stop(done))
  return 0
}

/** Puts the token beside the server's socket: who may use that may read it. Without an agent here nobody does. */
function offer({ sockets }: ServerOptions, token: string, log: Log): void {
  try {
    rmSync(sockets.token, { force: true })
    writeFileSync(sockets.token, `${token}\n`, { mode: 0o640 })
    chmodSync(sockets.token, 0o640)
  } catch (error) {
    log.warn('the token for the agent of this host could not be written', { error })
  }
}

/** Of a server's settings the log level alone can change while it runs; a mistake leaves it as it was. */
function reload(options: ServerOptions, log: ProgramLog): void {
  const { files, unreadable } = systemSourceFiles.read(options.configurationPaths)
  const loaded = options.load(files)
  if (loaded.ok && unreadable.length === 0) {
    log.setLevel(loaded.value.settings.log.level)
    log.info('read the configuration again')
  } else {
    const errors = loaded.ok ? [] : loaded.errors.map(formatConfigError)
    log.error('the configuration has mistakes and was not taken', { errors, unreadable })
  }
}

async function listen(options: ServerOptions, rooms: ServerRooms): Promise<Result<readonly Listener[]>> {
  const { settings } = options.configuration
  const { calls, identity, isMember } = rooms
  const shared = { api: calls, clock: systemClock, log: rooms.log, metrics: rooms.metrics }
  const tls = await new Promise<Parameters<Parameters<typeof listenTls>[1]>[0]>((resolve) => {
    const { bindAddress: host, ports } = settings
    listenTls({ ...shared, host, port: ports.server, identity, isMember }, resolve)
  })
  if (!tls.ok) return tls
  rooms.onIdentity((next) => tls.value.setIdentity(next))
  const local = await new Promise<Result<Listener>>((resolve) => {
    listenLocal({ ...shared, path: options.sockets.server, mode: socketMode }, resolve)
  })
  return local.ok ? { ok: true, value: [tls.value, local.value] } : local
}
