/**
 * `mesh snapshot save | restore | inspect`: the cluster's state as a file. A file is checked whole before it is kept and
 * before it is sent, so that a damaged one never reaches a server.
 */
import { createReadStream, createWriteStream, readFileSync, renameSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { OperationName, Operations } from '../rpc/operator.ts'
import { ArchiveReader, type ArchiveSummary } from '../wire/snapshot-archive.ts'
import { download, upload } from './client-stream.ts'
import type { ConnectionFlags } from './connection.ts'
import type { Context } from './declare.ts'
import { CommandFailure, systemReason, UsageFailure } from './failure.ts'
import { failureOf, findServerSocket, type ServerSocket } from './server-socket.ts'

export async function saveSnapshot(
  { terminal }: Context,
  file: string,
  options: ConnectionFlags & { readonly stale?: true },
): Promise<void> {
  // A name of its own until it is whole: an earlier file of this name stays until then.
  const partial = `${file}.partial`
  const stale = options.stale === true
  const server = findServerSocket(options)
  try {
    // A new file, or what lies there would lend its mode; synced, because what is told to be saved must be on the disk.
    rmSync(partial, { force: true })
    const target = createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true })
    if (server === undefined) await download(options, `/v1/snapshot${stale ? '?stale' : ''}`, target)
    else await pipeline(Readable.from(piecesOf(server, stale)), target)
    const summary = await readArchive(partial)
    renameSync(partial, file)
    terminal.show(summaryJson(summary), () => {
      terminal.line(`Saved and verified snapshot to index ${summary.origin.index}`)
    })
  } catch (error) {
    rmSync(partial, { force: true })
    throw error instanceof CommandFailure ? error : new CommandFailure(`${file}: ${systemReason(error)}`)
  } finally {
    server?.close()
  }
}

async function* piecesOf(server: ServerSocket, stale: boolean): AsyncGenerator<Uint8Array> {
  const opened = await server.operateWithData('snapshot.open', { stale })
  if (!opened.ok) throw failureOf(opened.failure)
  const { id } = opened.value.answer
  for (;;) {
    const piece = await server.operateWithData('snapshot.next', { id })
    if (!piece.ok) throw failureOf(piece.failure)
    yield piece.value.data
    if (piece.value.answer.isLast) return
  }
}

export async function inspectSnapshot({ terminal }: Context, file: string): Promise<void> {
  const summary = await readArchive(file)
  terminal.show(summaryJson(summary), () => {
    const { origin } = summary
    const facts: readonly (readonly [string, string])[] = [
      ['Index', String(origin.index)],
      ['Term', String(origin.term)],
      ['Cluster', origin.clusterId],
      ['Datacenter', origin.datacenter],
      ['Taken', origin.createdAt],
      ['By', `${origin.server}, mesh-agent ${origin.program}`],
      ['Feature level', String(origin.featureLevel)],
      ['Size', `${summary.bytes} bytes`],
      ['SHA-256', summary.sha256],
    ]
    for (const [name, value] of facts) terminal.line(`${name.padEnd(14)}${value}`)
    terminal.line('')
    terminal.table(
      ['table', 'rows', 'bytes'],
      Object.entries(summary.tables).map(([name, { rows, bytes }]) => [name, String(rows), String(bytes)]),
    )
  })
}

export async function restoreSnapshot(
  { terminal }: Context,
  file: string,
  options: ConnectionFlags & { readonly clusterKeyFile?: string },
): Promise<void> {
  const summary = await readArchive(file)
  const clusterKey = options.clusterKeyFile === undefined ? '' : readKey(options.clusterKeyFile)
  const server = findServerSocket(options)
  // A key goes to the server of this machine only, never through an agent.
  if (server === undefined && clusterKey !== '')
    throw new UsageFailure(
      '-cluster-key-file works on a server of the cluster only, by its socket',
      'run this command there as a user who may use the socket',
    )
  const index =
    server === undefined
      ? Number((await upload(options, '/v1/snapshot', createReadStream(file)))('x-mesh-index'))
      : await restoreAt(server, file, clusterKey)
  terminal.show({ Index: index, SnapshotIndex: summary.origin.index }, () => {
    terminal.line(`Restored snapshot of index ${summary.origin.index}; the cluster stands at index ${index}`)
  })
}

const clusterKeyBytes = 32

async function restoreAt(server: ServerSocket, file: string, clusterKey: string): Promise<number> {
  try {
    const { id } = await done(server, 'restore.open', { clusterKey })
    for await (const data of createReadStream(file, { highWaterMark: 256 * 1024 }))
      await done(server, 'restore.write', { id }, data as Buffer)
    return (await done(server, 'restore.finish', { id })).index
  } finally {
    server.close()
  }
}

async function done<Name extends OperationName>(
  server: ServerSocket,
  name: Name,
  args: Operations[Name]['args'],
  data?: Uint8Array,
): Promise<Operations[Name]['answer']> {
  const result = await server.operate(name, args, data)
  if (result.ok) return result.value
  throw failureOf(result.failure)
}

/** Base64. */
function readKey(keyFile: string): string {
  let key: Buffer
  try {
    key = readFileSync(keyFile)
  } catch (error) {
    throw new CommandFailure(`${keyFile}: ${systemReason(error)}`)
  }
  if (key.length === clusterKeyBytes) return key.toString('base64')
  throw new CommandFailure(`${keyFile} is no cluster key, which has ${clusterKeyBytes} bytes`, {
    next: 'take <data_dir>/server/cluster.key of a server of the cluster that the snapshot is from',
  })
}

async function readArchive(file: string): Promise<ArchiveSummary> {
  const reader = new ArchiveReader({ onOrigin: () => undefined, onState: () => undefined })
  try {
    for await (const piece of createReadStream(file, { highWaterMark: 256 * 1024 })) {
      const read = reader.write(piece as Buffer)
      if (!read.ok) throw failureOf(read.failure)
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : new CommandFailure(`${file}: ${systemReason(error)}`)
  }
  const summary = reader.finish()
  if (!summary.ok) throw failureOf(summary.failure)
  return summary.value
}

function summaryJson({ origin, bytes, sha256, tables }: ArchiveSummary) {
  return {
    Index: origin.index,
    Term: origin.term,
    ClusterID: origin.clusterId,
    Datacenter: origin.datacenter,
    CreatedAt: origin.createdAt,
    Server: origin.server,
    Version: origin.program,
    FeatureLevel: origin.featureLevel,
    Size: bytes,
    SHA256: sha256,
    Tables: Object.fromEntries(
      Object.entries(tables).map(([name, size]) => [name, { Rows: size.rows, Bytes: size.bytes }]),
    ),
  }
}
