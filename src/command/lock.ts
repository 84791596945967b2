/**
 * `mesh lock PREFIX COMMAND`: runs a command while this host holds a lock, and ends it when the lock is lost. Flags and keys
 * are those of Consul's command. What holds is lock-mutex.ts or lock-semaphore.ts, what runs lock-child.ts.
 */
import { parseDurationMs } from '../model/duration.ts'
import type { Context } from './declare.ts'
import { CommandFailure, exitStatus, UsageFailure } from './failure.ts'
import { LockAsk } from './lock-ask.ts'
import { Child } from './lock-child.ts'
import { type Claim, Mutex } from './lock-mutex.ts'
import { Semaphore } from './lock-semaphore.ts'
import { LockSession } from './lock-session.ts'

export interface LockOptions {
  readonly n: string
  readonly name?: string
  readonly timeout?: string
  readonly try?: string
  readonly monitorRetry: string
  readonly shell: string
  readonly childExitCode?: true
  readonly passStdin?: true
  readonly verbose?: true
}

/** What Consul's command answers when the child failed and `-child-exit-code` asks for it. */
const childFailed = 2
const nameChars = 256
const passedOn: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** The exit status. */
export async function lock(
  context: Context,
  { prefix, command }: { readonly prefix: string; readonly command: readonly string[] },
  options: LockOptions,
): Promise<number> {
  const plan = planOf(prefix, command, options)
  const signals = new Signals()
  const client = context.client()
  // A contender of a semaphore is a key of its own, which must go with it.
  const behavior = plan.limit === 1 ? 'release' : 'delete'
  const session = await LockSession.open(client, { name: plan.name, behavior })
  const ask = new LockAsk(client, plan.retries)
  const claim: Claim =
    plan.limit === 1
      ? new Mutex(ask, plan.prefix, session.id)
      : new Semaphore(ask, plan.prefix, { session: session.id, limit: plan.limit })
  const say = (text: string): void => {
    if (options.verbose === true) context.terminal.note(text)
  }
  try {
    say(`Waiting for the lock ${plan.prefix}`)
    const waiting = claim.acquire(
      plan.timeoutMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + plan.timeoutMs,
    )
    const outcome = await Promise.race([waiting, signals.first.then(() => 'interrupted' as const)])
    if (outcome === 'interrupted') throw new CommandFailure('interrupted while it waited for the lock')
    if (!outcome)
      throw new CommandFailure(
        `the lock ${plan.prefix} was not free within ${options.timeout ?? options.try}`,
      )
    say('The lock is held')
    return await runHolding(context, { plan, session, claim, signals })
  } finally {
    signals.stop()
    await claim.release().catch(() => undefined)
    await session.close()
    say('The lock is given back')
  }
}

interface Held {
  readonly plan: LockPlan
  readonly session: LockSession
  readonly claim: Claim
  readonly signals: Signals
}

async function runHolding(context: Context, { plan, session, claim, signals }: Held): Promise<number> {
  const child = new Child(plan.command, plan)
  signals.passTo(child)
  const lost = Promise.race([session.lost, claim.watch().catch(reasonOf)])
  const first = await Promise.race([
    child.ended.then((status) => ({ status })),
    lost.then((reason) => ({ reason })),
  ])
  if ('reason' in first) {
    context.terminal.note(`mesh: the lock was lost: ${first.reason}; the command is ended`)
    await child.end()
    return exitStatus.failed
  }
  return plan.tellsStatus && first.status !== 0 ? childFailed : exitStatus.done
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Signals of this process: before the child runs they end the waiting, then they are the child's. */
class Signals {
  readonly first: Promise<NodeJS.Signals>
  #take: (signal: NodeJS.Signals) => void = () => undefined
  readonly #listener = (signal: NodeJS.Signals): void => this.#take(signal)

  constructor() {
    this.first = new Promise((resolve) => {
      this.#take = resolve
    })
    for (const signal of passedOn) process.on(signal, this.#listener)
  }

  passTo(child: Child): void {
    this.#take = (signal) => child.signal(signal)
  }

  stop(): void {
    // From here on nothing may stop the lock from being given back; that takes a moment.
    this.#take = () => undefined
  }
}

interface LockPlan {
  readonly prefix: string
  readonly command: readonly string[]
  readonly name: string
  readonly limit: number
  readonly retries: number
  /** 0: for ever. */
  readonly timeoutMs: number
  readonly shell: boolean
  readonly passStdin: boolean
  readonly tellsStatus: boolean
}

function planOf(prefix: string, command: readonly string[], options: LockOptions): LockPlan {
  const limit = wholeNumber('n', options.n)
  const retries = wholeNumber('monitor-retry', options.monitorRetry)
  const trimmed = prefix.replace(/\/+$/, '')
  if (trimmed === '') throw new UsageFailure('a lock needs a prefix', 'mesh lock PREFIX COMMAND')
  if (limit < 1) throw new UsageFailure('-n 0: a lock has one holder at least')
  if (command.length === 0)
    throw new UsageFailure('say what to run under the lock', `mesh lock ${prefix} COMMAND`)
  if (!['true', 'false'].includes(options.shell))
    throw new UsageFailure(`-shell=${options.shell}: write true or false`)
  const waits = options.timeout ?? options.try
  const timeoutMs = waits === undefined ? 0 : parseDurationMs(waits)
  if (timeoutMs === undefined || timeoutMs < 0)
    throw new UsageFailure(`-timeout ${waits}: write a duration such as 15s or 2m`)
  return {
    prefix: trimmed,
    command,
    name: options.name ?? nameOf(trimmed, command),
    limit,
    retries,
    timeoutMs,
    shell: options.shell === 'true',
    passStdin: options.passStdin === true,
    tellsStatus: options.childExitCode === true,
  }
}

const nameOf = (prefix: string, command: readonly string[]): string =>
  `mesh lock for '${command.join(' ')}' at '${prefix}'`.replace(/\p{Cc}+/gu, ' ').slice(0, nameChars)

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new UsageFailure(`-${flag} ${text}: write a whole number`)
}
