/**
 * Composition root of the proxy: the holder in this process, the workers as children that run the same program with other
 * arguments, and a socket for commands. Sets up no signals; the caller decides when to stop.
 */
import { type ChildProcess, fork, type SendHandle } from 'node:child_process'
import { systemClock } from '../platform/clock.ts'
import { createListeningHandles } from '../platform/handles.ts'
import type { Log } from '../platform/ports.ts'
import { type ControlServer, serveControl } from './holder/control.ts'
import { Holder, type WorkerEvents, type WorkerProcess } from './holder/holder.ts'
import { isFromWorker } from './holder/message.ts'
import { type Isolation, scopeArguments, type WorkerScope } from './holder/scope.ts'

export interface ProxyOptions {
  readonly log: Log
  /** How a worker is started: an entry file that calls `startProxyWorker`, with its arguments. */
  readonly worker: {
    readonly entry: string
    /** The Node.js that runs it. Default: the one that runs this process. */
    readonly node?: string
    readonly args: readonly string[]
    /** Options of Node itself. */
    readonly execArgv?: readonly string[]
    /** Variables besides those of this process. */
    readonly environment?: Readonly<Record<string, string>>
  }
  /** Default: one worker for all services. */
  readonly isolation?: Isolation
  /** Where commands such as `mesh proxy upgrade` are taken; absent: nowhere. */
  readonly controlSocketPath?: string
}

export interface Proxy {
  /** Process of the worker that serves now; 0 while there is none. */
  workerPid(): number
  /** Replaces the workers by new processes (after an upgrade), without refusing a connection. */
  reload(): void
  /** Ends the workers, letting open connections finish for a short while, and frees the addresses. */
  stop(): Promise<void>
}

export function startProxy(options: ProxyOptions): Proxy {
  const { log, worker, isolation = 'host', controlSocketPath } = options
  const holder = new Holder({
    clock: systemClock,
    log,
    handles: createListeningHandles(),
    isolation,
    spawn: (scope, events) => spawnWorker(worker, scope, events),
  })
  holder.start()
  const control: ControlServer | undefined =
    controlSocketPath === undefined
      ? undefined
      : serveControl(controlSocketPath, { holder, clock: systemClock, log })
  return {
    workerPid: () => holder.workerPid,
    reload: () => holder.reload(),
    stop: () =>
      new Promise((resolve) => {
        control?.close()
        holder.stop(resolve)
      }),
  }
}

function spawnWorker(
  worker: ProxyOptions['worker'],
  scope: WorkerScope,
  events: WorkerEvents,
): WorkerProcess {
  const child: ChildProcess = fork(worker.entry, [...worker.args, ...scopeArguments(scope)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [...(worker.execArgv ?? [])],
    env: { ...process.env, ...worker.environment },
    ...(worker.node === undefined ? {} : { execPath: worker.node }),
  })
  let exited = false
  const exit = (how: string): void => {
    if (exited) return
    exited = true
    events.onExit(how)
  }
  child.on('message', (message) => {
    if (isFromWorker(message)) events.onMessage(message)
  })
  child.on('error', (error) => {
    // Other errors (a signal or a message that did not arrive) do not mean that it is gone.
    if (child.pid === undefined) exit(error.message)
  })
  child.once('exit', (code, signal) => exit(signal ?? `exit status ${code}`))
  return {
    pid: child.pid ?? 0,
    send(message, handle) {
      // A worker that is dying takes no more messages; its successor asks for everything again.
      child.send(message, handle as SendHandle | undefined, () => {})
    },
    kill: () => child.kill('SIGKILL'),
  }
}
