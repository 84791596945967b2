/**
 * `mesh proxy upgrade` and `mesh proxy workers`: ask the running proxy of this host over its control socket, which only
 * root and the proxy's own user may open.
 */
import { parseDurationMs } from '../model/duration.ts'
import { limits } from '../model/limits.ts'
import { askControl, type ControlAnswer, type ControlRequest } from '../proxy/holder/control.ts'
import { contextOf, type SharedOptions } from './declare.ts'
import { CommandFailure, exitStatus, UsageFailure } from './failure.ts'

export interface UpgradeOptions extends SharedOptions {
  readonly drainTime?: string
}

/** Resolves to the exit status: 0 only where every worker was replaced. */
export async function upgradeProxy(controlPath: string, options: UpgradeOptions): Promise<number> {
  const { terminal } = contextOf(options)
  const answer = await ask(controlPath, { ask: 'upgrade', drainMs: drainMsOf(options.drainTime) })
  if (answer.kind !== 'upgraded') throw unexpected(answer)
  const { workers } = answer
  terminal.show(workers, () => {
    for (const each of workers)
      terminal.line(
        each.kind === 'replaced'
          ? `Replaced the worker for ${each.worker}: process ${each.oldPid} by ${each.pid}.`
          : `The worker for ${each.worker} was not replaced, and process ${each.pid} goes on: ${each.reason}.`,
      )
  })
  return workers.every(({ kind }) => kind === 'replaced') ? exitStatus.done : exitStatus.failed
}

export async function showWorkers(controlPath: string, options: SharedOptions): Promise<number> {
  const { terminal } = contextOf(options)
  const answer = await ask(controlPath, { ask: 'workers' })
  if (answer.kind !== 'workers') throw unexpected(answer)
  terminal.show(answer.workers, () => {
    terminal.table(
      ['Worker', 'Process'],
      answer.workers.map(({ worker, pid }) => [worker, pid === 0 ? 'starting' : String(pid)]),
    )
  })
  return exitStatus.done
}

function drainMsOf(text: string | undefined): number {
  if (text === undefined) return limits.workerReplacedDrainMs
  const ms = parseDurationMs(text)
  if (ms !== undefined && ms >= 0 && ms <= limits.drainLongestMs) return ms
  throw new UsageFailure(
    `-drain-time ${text}: write a duration up to 24h`,
    'mesh proxy upgrade -drain-time 10m',
  )
}

const ask = (path: string, request: ControlRequest): Promise<ControlAnswer> =>
  new Promise((resolve) => {
    askControl(path, request, resolve)
  })

const unexpected = (answer: ControlAnswer): CommandFailure =>
  new CommandFailure(
    answer.kind === 'refused' ? answer.reason : 'the proxy gave another answer than was asked for',
    {
      next: 'systemctl status mesh-proxy, and run this as root',
    },
  )
