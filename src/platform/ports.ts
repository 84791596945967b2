/**
 * The ports: all that the product asks of a machine, as interfaces. Real adapters live beside this file and are named
 * only in start files; the simulator has its own. Ports call back instead of returning promises, because a promise
 * costs a real turn of the event loop per simulated event and cannot be ordered by a seed.
 */

export interface Timer {
  /** Idempotent; after it returns the callback never runs. */
  cancel(): void
}

export interface Clock {
  /** Never jumps; unrelated to the time of day. */
  monotonicMs(): number
  /** Time of day, milliseconds since the epoch; may jump either way. */
  wallMs(): number
  /** Runs `callback` once, at the earliest after `delayMs` of monotonic time. */
  after(delayMs: number, callback: () => void): Timer
}

export interface Random {
  /** Unpredictable bytes (in production: the kernel's generator). */
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). For jitter, not for secrets. */
  fraction(): number
}

export type DiskError = {
  readonly code: 'not-found' | 'no-space' | 'io' | 'exists'
  readonly message: string
}
export type DiskDone = (error: DiskError | undefined) => void

/** An open file. Writes may be reordered by a crash until `sync` has called back without error. */
export interface DiskFile {
  readonly path: string
  /** Size in bytes, counting writes that were handed over and are not done yet. */
  size(): number
  /** What was written last, synced or not; shorter at the end of the file. Synchronous: for start-up and small pieces. */
  read(position: number, length: number): Uint8Array
  write(position: number, data: Uint8Array, done: DiskDone): void
  /** fdatasync: when it calls back without error, every write that was done before the call survives a power cut. */
  sync(done: DiskDone): void
  truncate(length: number, done: DiskDone): void
  close(): void
}

/**
 * What the opener will do, as a hint. `sync-each-write`: every write is followed by `sync`, so a disk may make the write
 * itself durable, in one go instead of two; `sync` is called all the same.
 */
export type FileUse = 'sync-each-write'

/** Files under one data directory; paths are relative to it, with `/`. Reads are for start-up and are synchronous. */
export interface Disk {
  /** Names directly in `directory`, sorted; [] where it does not exist. */
  list(directory: string): readonly string[]
  /** The whole file, or undefined where there is none. */
  read(path: string): Uint8Array | undefined
  makeDirectory(path: string): void
  /** Opens for reading and writing, creating it (mode 0600) when missing. Throws a `MeshError` `disk-full` or `disk-failed`. */
  open(path: string, use?: FileUse): DiskFile
  rename(from: string, to: string, done: DiskDone): void
  remove(path: string, done: DiskDone): void
  /** Makes creations, renames and removals in `directory` survive a power cut. */
  syncDirectory(directory: string, done: DiskDone): void
}

export interface LogFields {
  readonly [name: string]: unknown
}

/** Structured log. `message` is a fixed sentence; what varies stands in `fields`, and never a secret. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log with fields added to each line. */
  with(fields: LogFields): Log
}

export type LogLevelName = 'debug' | 'info' | 'warn' | 'error'

/** Finished lines of a log as they are written, also those below the level that the log itself keeps. */
export interface LogLines {
  /**
   * `take` is called at once for each line and must not log. Undefined where as many follow already as may
   * (limits.logFollowers).
   */
  follow(
    wanted: { readonly level: LogLevelName; readonly json: boolean },
    take: (line: string) => void,
  ): { stop(): void } | undefined
}

/** Counters of refusals, drops and work done. Names end in `_total`; labels come from small fixed sets. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void
  /** Adds what was counted elsewhere; where nobody could read a histogram it is missing. */
  histogram?(name: string, counted: CountedValues, labels: Readonly<Record<string, string>>): void
}

export interface CountedValues {
  /** Upper bounds, growing; always the same ones for a name. */
  readonly bounds: readonly number[]
  /** New values up to each bound and above the one before it; the last number is of those above all bounds. */
  readonly counts: readonly number[]
  /** Of the new values. */
  readonly sum: number
}

/** What was measured, for those who ask. */
export interface MetricsPage {
  /** Everything since the start, in Prometheus text format. */
  text(): Promise<string>
  /** Value for the Content-Type header of `text`. */
  readonly contentType: string
  /** The newest interval that is over, or the first one while it runs. */
  recent(): Promise<RecentMetrics>
}

export interface RecentMetrics {
  /** When the interval began, milliseconds since the epoch, and how long one is. */
  readonly beganMs: number
  readonly intervalMs: number
  readonly gauges: readonly { readonly name: string; readonly labels: MetricLabels; readonly value: number }[]
  readonly counters: readonly RecentCounter[]
}

/** Updates of one counter within one interval; `sum` of what they added, `sumOfSquares` for the deviation. */
export interface RecentCounter {
  readonly name: string
  readonly labels: MetricLabels
  readonly updates: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly sumOfSquares: number
}

export type MetricLabels = Readonly<Record<string, string>>

/** Facts about the machine and this process, for diagnosis. Holds no secret. */
export interface Diagnostics {
  /** Memory, processors, system, and the disk that holds `path`; what cannot be read is 0 or ''. */
  machine(path: string): MachineFacts
  /** Heap, memory, event loop, open handles by kind: plain JSON. */
  process(): Readonly<Record<string, unknown>>
  /** A V8 CPU profile (`.cpuprofile`) of `durationMs`; one at a time, undefined where another one runs. */
  profile(durationMs: number, done: (profile: string | undefined) => void): { cancel(): void } | undefined
}

export interface MachineFacts {
  readonly memory: { readonly total: number; readonly available: number; readonly free: number }
  readonly processors: readonly { readonly model: string; readonly mhz: number }[]
  readonly system: {
    readonly hostname: string
    readonly uptimeSeconds: number
    readonly processes: number
    readonly distribution: string
    readonly distributionVersion: string
    readonly kernel: string
    readonly architecture: string
  }
  readonly disk: {
    readonly path: string
    readonly total: number
    readonly free: number
    readonly files: number
    readonly filesFree: number
  }
}

/** Result of a program that a script check ran. */
export interface ProcessResult {
  /** Exit status; undefined where a signal or the timeout ended it, or it could not start. */
  readonly exitCode: number | undefined
  readonly timedOut: boolean
  /** First bytes of stdout and stderr together, bounded by the caller's limit. */
  readonly output: string
}

export interface Processes {
  /** Runs without a shell, in its own process group, which is killed whole at the timeout. */
  run(
    args: readonly string[],
    options: { readonly timeoutMs: number; readonly outputMaxBytes: number },
    done: (result: ProcessResult) => void,
  ): { kill(): void }
}

/** A server that a probe speaks to: `host:port`, and how it is known. */
export interface ProbeTarget {
  readonly address: string
  readonly useTls: boolean
  /** Name to ask for and to find in the certificate; '': the host of the address. */
  readonly tlsServerName: string
  readonly tlsSkipVerify: boolean
}

export type ProbeDone = (error: string | undefined) => void

/** Outbound probes for health checks. Each calls `done` once, at the latest when `timeoutMs` is over. */
export interface Probes {
  connect(
    target: Pick<ProbeTarget, 'address' | 'useTls'> & Partial<ProbeTarget>,
    timeoutMs: number,
    done: ProbeDone,
  ): void
  /** Sends one empty datagram. Only "port unreachable" is an error: a UDP service may well say nothing. */
  datagram(address: string, timeoutMs: number, done: ProbeDone): void
  /** An HTTP/2 connection and one PING frame on it. */
  ping(target: ProbeTarget, timeoutMs: number, done: ProbeDone): void
  /** Asks grpc.health.v1.Health/Check; the answer is a word such as SERVING. */
  grpcHealth(
    request: ProbeTarget & { readonly service: string },
    timeoutMs: number,
    done: (answer: { readonly status: string } | { readonly error: string }) => void,
  ): void
  /** Runs a program in a container; where there is no engine or no such container, the output says so. */
  execute(
    inside: { readonly container: string; readonly args: readonly string[] },
    options: { readonly timeoutMs: number; readonly outputMaxBytes: number },
    done: (result: ProcessResult) => void,
  ): void
  request(request: HttpProbe, timeoutMs: number, done: (answer: HttpProbeAnswer) => void): void
}

export interface HttpProbe {
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, readonly string[]>>
  readonly body: string
  readonly followRedirects: boolean
  readonly tlsServerName: string
  readonly tlsSkipVerify: boolean
  readonly outputMaxBytes: number
}

export type HttpProbeAnswer =
  | { readonly status: number; readonly statusText: string; readonly body: string }
  | { readonly error: string }

/**
 * Small whole files of one program's own state. Paths are relative to its folder, with `/`. Synchronous, because a
 * registration must be durable before it is answered and is rare; bulk data goes through `Disk`.
 */
export interface StateFiles {
  /** Names directly in `directory`, sorted; [] where it does not exist. */
  list(directory: string): readonly string[]
  /** The whole file, or undefined where there is none or it cannot be read. */
  read(path: string): Uint8Array | undefined
  /**
   * Replaces the whole file or nothing, making missing folders (0700). When it returns no error the new content
   * survives a power cut, unless `durable` is false: then only a crash of the process. `mode` defaults to 0600. With
   * `ifAbsent` a file that is there already stays, whoever wrote it in the same moment: error `exists`.
   */
  write(path: string, data: Uint8Array, options?: StateWriteOptions): DiskError | undefined
  /** Removing what is not there is no error. */
  remove(path: string): DiskError | undefined
}

export interface StateWriteOptions {
  readonly mode?: number
  readonly durable?: boolean
  readonly ifAbsent?: boolean
}

/** A file for one kind of lines, read by others while it grows. */
export interface LineFile {
  /** `line` without its end; written soon. Where the disk does not keep up it is dropped, and a later line says how many were. */
  append(line: string): void
  /** The file was renamed: lines from now on go to a new one under the path. */
  reopen(): void
  /** Writes what is left, then calls `done`. */
  close(done: () => void): void
}

/** Configuration as an operator wrote it. */
export interface SourceFiles {
  /**
   * Reads files as named, and of directories all `*.hcl` and `*.json` in lexical order, not deeper. What cannot be read
   * stands in `unreadable` and never counts as empty.
   */
  read(paths: readonly string[]): {
    readonly files: readonly { readonly path: string; readonly text: string }[]
    readonly unreadable: readonly { readonly path: string; readonly message: string }[]
  }
  /** Calls back after any of `paths` may have changed; several changes may come as one call or as many. */
  watch(paths: readonly string[], onChange: () => void): { close(): void }
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  /** Datagrams: what comes before a socket reads waits in the kernel. */
  | { readonly kind: 'udp'; readonly address: string; readonly port: number }
  /** `mode` is octal text such as "0600"; empty: what the process's umask leaves. */
  | { readonly kind: 'unix'; readonly path: string; readonly mode: string }

/**
 * A socket that is bound and that this process never accepts on. It is given to a child process, or to a server of this
 * process (`server.listen(native)`, for datagrams `socket.bind(native)`). While it is open the kernel queues clients between one server and the next.
 */
export interface ListeningHandle {
  /** What `listen` and `ChildProcess.send` of Node take. */
  readonly native: object
  /** The port, also where 0 was asked for; 0 for a unix socket. */
  readonly port: number
  /** Idempotent. Removes the file of a unix socket. */
  close(): void
}

export interface ListeningHandles {
  /**
   * Binds. A unix socket's file that was left behind by a dead process is replaced, one that is served is not.
   * `error` names the address.
   */
  open(at: ListenAddress, done: (handle: ListeningHandle | undefined, error: string) => void): void
}

/** Where a socket is: IPv4 or IPv6 text in its shortest form, and a port. */
export interface SocketEndpoint {
  readonly address: string
  readonly port: number
}

/** One TCP connection. What is written before it stands is sent when it does. */
export interface ByteStream {
  readonly remote: SocketEndpoint
  write(bytes: Uint8Array): void
  /** Nothing more will be written; what was written is still sent. */
  end(): void
  /** At once. Idempotent; no callback runs afterwards. */
  destroy(): void
}

export interface StreamListener {
  onBytes(piece: Uint8Array): void
  /** The last call: the other side ended in order (undefined), or why the connection broke or never stood. */
  onEnd(error: string | undefined): void
}

/** One UDP and one TCP socket at the same address and port, as members of a gossip pool have. */
export interface PoolSocket {
  /** Also where 0 was asked for. */
  readonly port: number
  /**
   * False: the packet was dropped, because too much waits to be sent or nobody can be there, as at port 0. Sent ones may be
   * lost without a word.
   */
  send(packet: Uint8Array, to: SocketEndpoint): boolean
  connect(to: SocketEndpoint, listener: StreamListener): ByteStream
  /** Ends all that was opened here, at once. Idempotent. */
  close(): void
}

export interface PoolSocketListener {
  /** The bytes are the listener's to keep. */
  onPacket(packet: Uint8Array, from: SocketEndpoint): void
  /** Undefined: not served; it is closed. */
  onStream(stream: ByteStream): StreamListener | undefined
}

export interface PoolSockets {
  /** `error` names the address and why. */
  open(
    at: SocketEndpoint,
    listener: PoolSocketListener,
    done: (socket: PoolSocket | undefined, error: string) => void,
  ): void
}

/** Names of hosts, by whatever this machine uses to find them. */
export interface HostNames {
  /** `addresses` is empty where there is none; `error` says why. Addresses resolve to themselves. */
  resolve(name: string, done: (addresses: readonly string[], error: string) => void): void
}

/** Who on this host owns a TCP connection to us, by what the kernel tells of its sockets. */
export interface SocketOwners {
  /**
   * `uid` is undefined where the client's socket is not of this host (or its network namespace), was closed meanwhile, or
   * cannot be seen.
   */
  ownerOf(connection: TcpEnds, done: (uid: number | undefined) => void): void
}

/** Both ends of a TCP connection, as the accepting side sees them. */
export interface TcpEnds {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}
