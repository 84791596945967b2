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

/** Counters of refusals, drops and work done. Names end in `_total`; labels come from small fixed sets. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void
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

/** Outbound probes for health checks. */
export interface Probes {
  connect(
    target: { readonly address: string; readonly useTls: boolean },
    timeoutMs: number,
    done: (error: string | undefined) => void,
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
   * survives a power cut, unless `durable` is false: then only a crash of the process. `mode` defaults to 0600.
   */
  write(
    path: string,
    data: Uint8Array,
    options?: { readonly mode?: number; readonly durable?: boolean },
  ): DiskError | undefined
  /** Removing what is not there is no error. */
  remove(path: string): DiskError | undefined
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
  /** `mode` is octal text such as "0600"; empty: what the process's umask leaves. */
  | { readonly kind: 'unix'; readonly path: string; readonly mode: string }

/**
 * A socket that is bound and that this process never accepts on. It is given to a child process, or to a server of this
 * process (`server.listen(native)`). While it is open the kernel queues clients between one server and the next.
 */
export interface ListeningHandle {
  /** What `listen` and `ChildProcess.send` of Node take. */
  readonly native: object
  /** The TCP port, also where 0 was asked for; 0 for a unix socket. */
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
