// Probes and processes that answer what a test says, after a time on its clock, and remember what they were asked.
import type {
  Clock,
  HttpProbe,
  HttpProbeAnswer,
  Probes,
  Processes,
  ProcessResult,
} from '../../../../src/platform/ports.ts'

export class FakeProbes {
  readonly #clock: Clock
  durationMs = 10
  connectError: string | undefined
  answer: HttpProbeAnswer = { status: 200, statusText: 'OK', body: 'fine' }
  result: ProcessResult = { exitCode: 0, timedOut: false, output: 'ok' }
  readonly startedAtMs: number[] = []
  readonly timeoutsMs: number[] = []
  readonly requests: HttpProbe[] = []
  readonly addresses: string[] = []
  readonly programs: (readonly string[])[] = []
  health: { readonly status: string } | { readonly error: string } = { status: 'SERVING' }
  killed = 0
  running = 0
  mostRunning = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly probes: Probes = {
    connect: (target, timeoutMs, done) => {
      this.addresses.push(target.address)
      this.#run(timeoutMs, () => done(this.connectError))
    },
    datagram: (address, timeoutMs, done) => {
      this.addresses.push(address)
      this.#run(timeoutMs, () => done(this.connectError))
    },
    ping: (target, timeoutMs, done) => {
      this.addresses.push(target.address)
      this.#run(timeoutMs, () => done(this.connectError))
    },
    grpcHealth: (request, timeoutMs, done) => {
      this.addresses.push(`${request.address}/${request.service}`)
      this.#run(timeoutMs, () => done(this.health))
    },
    execute: ({ container, args }, options, done) => {
      this.programs.push([container, ...args])
      this.#run(options.timeoutMs, () => done(this.result))
    },
    request: (request, timeoutMs, done) => {
      this.requests.push(request)
      this.#run(timeoutMs, () => done(this.answer))
    },
  }

  readonly processes: Processes = {
    run: (args, options, done) => {
      this.programs.push(args)
      this.#run(options.timeoutMs, () => done(this.result))
      return {
        kill: () => {
          this.killed += 1
        },
      }
    },
  }

  #run(timeoutMs: number, done: () => void): void {
    this.startedAtMs.push(this.#clock.monotonicMs())
    this.timeoutsMs.push(timeoutMs)
    this.running += 1
    this.mostRunning = Math.max(this.mostRunning, this.running)
    this.#clock.after(this.durationMs, () => {
      this.running -= 1
      done()
    })
  }
}
