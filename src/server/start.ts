/**
 * `mesh server`: the composition root. Everything below gets what it needs as arguments; only the start files name adapters
 * of the machine. The order is: claim the data directory, answer operators, open the log, found a cluster or be admitted to
 * one, find a leader, then serve everybody.
 */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatConfigError } from '../config/format.ts'
import type { Configuration, Loaded, SourceFile } from '../config/settings.ts'
import { type Failure, ok, type Result } from '../model/errors.ts'
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
import { ownAddress } from './founding.ts'
import { setAside } from './set-aside.ts'
import { begin } from './start-admission.ts'
import { type Cluster, type ClusterOptions, type OpenLog, openLog, settle } from './start-cluster.ts'
import { Door } from './start-door.ts'
import { watchQuorum } from './start-operator.ts'
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
/** What an answer may take to reach its command before this process ends. */
const answerMs = 500

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
  const metrics = createMetrics({ process: true })
  const shared = {
    settings,
    version: options.version,
    files,
    log,
    clock: systemClock,
    random: systemRandom,
    metrics,
  }
  const { bindAddress: host, ports } = settings
  const door = new Door({ ...shared, host, port: ports.server, socketPath: options.sockets.server })
  const cluster = { ...shared, directory, id: id.value, identity: door.identity }
  const life: Life = { options, log, notifier, door, stopped: stopSignal(), ready: '', hasLeft: false }
  const endWatch = notifier.watch(turning())
  const status = await run(life, cluster)
  endWatch()
  return status
}

const notSet: Failure = {
  code: 'invalid-config',
  message: 'this host is not a server; set `server = true` in its configuration if it should be one',
}

/** What accompanies the server from start to end. */
interface Life {
  readonly options: ServerOptions
  readonly log: ProgramLog
  readonly notifier: Notifier
  readonly door: Door
  readonly stopped: Promise<void>
  /** What systemd was told last. */
  ready: string
  /** This server is in its cluster no more. */
  hasLeft: boolean
}

async function run(life: Life, options: ClusterOptions): Promise<number> {
  const { log, notifier, door, stopped } = life
  const local = await door.openLocal()
  if (!local.ok) return refused(log, local.failure)
  notifier.status('reading the log')
  obeyReload(life)
  const opened = await openLog(options, (failure) => {
    log.error('this server ends, because it can promise nothing any more', { ...failure })
    process.exit(isNewer(failure) ? exitConfiguration : exitFailure)
  })
  if (!opened.ok) return refused(log, opened.failure)
  const { transport, peerServers, consensus } = opened.value
  door.letServersIn({
    isServer: (peer) => peerServers.isServer(peer),
    accept: (...stream) => transport.accept(...stream),
  })
  const quorum = watchQuorum(options, opened.value)
  door.operator.watch(quorum)
  const end = async (stopRooms: (done: () => void) => void): Promise<number> => {
    log.info('stopping')
    notifier.stopping()
    // Other servers are heard until leadership is handed over.
    await new Promise<void>((done) => stopRooms(done))
    transport.close()
    await door.close()
    quorum.stop()
    if (life.hasLeft) setAside(options.directory, 'left', systemClock.wallMs())
    return 0
  }
  const cluster = await enter(life, options, opened.value)
  if (!cluster.ok) return refused(log, cluster.failure)
  if (cluster.value === undefined) return end((done) => consensus.stop(done))
  const rooms = openRooms({
    ...options,
    cluster: cluster.value,
    quorum,
    onLeft: () => {
      life.hasLeft = true
      log.warn('this server has left its cluster and ends')
      systemClock.after(answerMs, () => process.kill(process.pid, 'SIGTERM'))
    },
  })
  if (!rooms.ok) return refused(log, rooms.failure)
  const serving = await serve(life, rooms.value)
  if (!serving.ok) return refused(log, serving.failure)
  await stopped
  return end((done) => rooms.value.stop(done))
}

/** Becomes or goes on as a server of a cluster that has a leader; undefined where the process was told to end meanwhile. */
async function enter(
  life: Life,
  options: ClusterOptions,
  open: OpenLog,
): Promise<Result<Cluster | undefined>> {
  const { door, stopped, log } = life
  const status = (text: string): void => tell(life, text)
  const begun = await begin({ ...options, door, status, stopped }, open)
  if (!begun.ok) return begun
  if (!begun.value) return ok(undefined)
  const others = open.consensus.configuration().servers.length > 1 || open.consensus.isNew()
  if (others) {
    const waits =
      'waiting for a leader of the cluster: a majority of its servers must run and reach each other'
    door.deferred.explain({ code: 'no-leader', message: waits })
    log.info(waits)
    status(waits)
  }
  const ended = stopped.then(() => ok(undefined))
  return Promise.race([settle(options, open), ended])
}

/** From here on everybody is served. */
async function serve(life: Life, rooms: ServerRooms): Promise<Result<true>> {
  const { options, log, door } = life
  const { settings } = options.configuration
  const shown = await door.show(rooms.identity)
  if (!shown.ok) return shown
  // The port is open: what follows only replaces the certificate.
  rooms.onIdentity((identity) => void door.show(identity))
  door.open(rooms)
  rooms.inviteOwnAgent((token) => offer(options, token, log))
  log.info('serving', {
    address: settings.advertiseAddress,
    port: settings.ports.server,
    version: options.version,
  })
  tell(life, `serving ${ownAddress(settings)}`)
  return ok(true)
}

/** A server that waits for an operator or for others has started, too, as far as systemd is concerned. */
function tell(life: Life, text: string): void {
  life.ready = text
  life.notifier.ready(text)
}

function refused(log: Log, failure: Failure): number {
  log.error('this server does not start', { code: failure.code, reason: failure.message })
  return failure.code === 'conflict' ? exitFailure : exitConfiguration
}

/** Starting the same program again changes nothing. */
const isNewer = ({ code }: Failure): boolean => code === 'format-too-new' || code === 'version-mismatch'

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

function obeyReload(life: Life): void {
  const { options, log, notifier } = life
  process.on('SIGHUP', () => {
    notifier.reloading()
    reload(options, log)
    notifier.ready(life.ready)
  })
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
