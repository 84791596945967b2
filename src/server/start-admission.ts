/**
 * How a server without a log begins: founds a cluster, or waits until an operator lets it in. It says at every place where
 * somebody may look what has to be typed: log, `systemctl status`, and every command that asks this server.
 */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Settings } from '../config/settings.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import { methods } from '../rpc/methods.ts'
import { callPinned } from '../rpc/pinned-call.ts'
import { storedIdentity } from './ca/own-certificate.ts'
import { readServerFiles, type ServerFiles } from './ca/server-files.ts'
import { AdmissionWaiting, howToEnroll, howToJoin, serverToken } from './ca/waiting.ts'
import { type Beginning, beginningOf, lostLog, ownAddress } from './founding.ts'
import { leftFile } from './set-aside.ts'
import { type ClusterOptions, found, type OpenLog } from './start-cluster.ts'
import type { Door } from './start-door.ts'
import { beSeenWaiting, meetFounders } from './start-founders.ts'

export interface BeginningOptions extends ClusterOptions {
  readonly door: Door
  /** One line for whoever asks systemd. */
  readonly status: (text: string) => void
  /** The process was told to end. */
  readonly stopped: Promise<void>
}

/** The value is false where the process was told to end while it waited. */
export async function begin(options: BeginningOptions, log: OpenLog): Promise<Result<boolean>> {
  const stored = readServerFiles(options.files)
  if (!stored.ok) return stored
  const lost = lostLog(log.consensus.isNew(), stored.value?.hasState === true)
  if (lost !== undefined) return { ok: false, failure: lost.failure }
  if (!log.consensus.isNew()) return stored.value === undefined ? ok(true) : show(options, stored.value)
  if (stored.value !== undefined) {
    options.files.remove(leftFile)
    return show(options, stored.value)
  }
  const { settings } = options
  const text = tokenText(settings)
  const hasLeft = options.files.read(leftFile) !== undefined
  const beginning: Beginning = hasLeft
    ? { kind: 'wait' }
    : beginningOf(settings, interfaceAddresses(), text !== undefined && isServerToken(text))
  if (beginning.kind === 'refuse') return { ok: false, failure: beginning.failure }
  const course =
    beginning.kind === 'found' ? await meetFounders(explaining(options), beginning.others) : 'wait'
  if (course === 'found') {
    const founded = await found(options, log)
    if (founded.ok) options.log.info(howToEnroll)
    return founded.ok ? ok(true) : founded
  }
  if (course === undefined) return ok(false)
  const leave = await beSeenWaiting(options)
  const admitted = await awaitAdmission(options)
  await leave()
  return admitted === undefined ? ok(false) : show(options, admitted)
}

/** Whoever asks this server gets the same words as whoever asks systemd. */
function explaining(options: BeginningOptions): BeginningOptions {
  const status = (message: string): void => {
    options.door.deferred.explain({ code: 'no-leader', message })
    options.status(message)
  }
  return { ...options, status }
}

/** The other servers know this one by its key, whatever the dates in the certificate say. */
async function show({ door, files }: BeginningOptions, server: ServerFiles): Promise<Result<boolean>> {
  const identity = storedIdentity(files, server.certificatePem)
  if (identity === undefined)
    return failed(
      'invalid-config',
      'server.key is missing in the server’s directory; restore it or replace this server',
    )
  return door.show(identity)
}

/** Undefined where the process was told to end. */
function awaitAdmission(options: BeginningOptions): Promise<ServerFiles | undefined> {
  const { settings, files, id, clock, log, door, status, stopped } = options
  const { nodeName: node, datacenter, servers } = settings
  const words = howToJoin(node)
  door.deferred.explain({ code: 'not-enrolled', message: words })
  log.info(words)
  status(words)
  return new Promise((resolve) => {
    const waiting = new AdmissionWaiting({
      files,
      id,
      node,
      datacenter,
      address: ownAddress(settings),
      servers,
      clock,
      log,
      ask: (target, request, reply) => callPinned(methods.enrollServer, { ...target, clock }, request, reply),
      tokenText: () => tokenText(settings),
      onAdmitted: resolve,
    })
    waiting.start()
    stopped.then(() => {
      waiting.stop()
      resolve(undefined)
    }, ignored)
  })
}

const ignored = (): void => undefined
const tokenFileBytes = 16 * 1024
const isServerToken = (text: string): boolean => serverToken(text) !== undefined

function tokenText({ enrollmentTokenFile }: Settings): string | undefined {
  if (enrollmentTokenFile === '') return undefined
  try {
    return readFileSync(enrollmentTokenFile, 'utf8').slice(0, tokenFileBytes)
  } catch {
    // It may come later: whoever configured it is about to bring it.
    return undefined
  }
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
}
