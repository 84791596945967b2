// A registry with everything that runs checks on it, on virtual time.
import { AliasChecks } from '../../../../src/agent/checks/alias.ts'
import { Reaper } from '../../../../src/agent/checks/reaper.ts'
import { CheckRunner } from '../../../../src/agent/checks/runner.ts'
import { TtlChecks } from '../../../../src/agent/checks/ttl.ts'
import { LocalState } from '../../../../src/agent/registry/local-state.ts'
import type { CheckDefinition } from '../../../../src/model/check.ts'
import type { ServerClient } from '../../../../src/rpc/contract.ts'
import { VirtualClock } from '../../../simulation/clock.ts'
import { SeededRandom } from '../../../simulation/random.ts'
import { definitionOf, MemoryStateFiles, RecordingLog, RecordingMetrics } from '../fakes.ts'
import { FakeProbes } from './fake-probes.ts'

const noReads: ServerClient['read'] = () => ({ cancel: () => undefined })

export class ChecksHost {
  readonly clock: VirtualClock
  readonly log = new RecordingLog()
  readonly metrics = new RecordingMetrics()
  readonly files: MemoryStateFiles
  readonly probes: FakeProbes
  readonly state: LocalState
  readonly runner: CheckRunner
  readonly ttl: TtlChecks
  readonly alias: AliasChecks
  readonly reaper: Reaper

  constructor(
    options: {
      readonly read?: ServerClient['read']
      readonly files?: MemoryStateFiles
      readonly clock?: VirtualClock
    } = {},
  ) {
    this.clock = options.clock ?? new VirtualClock()
    const { clock, log, metrics } = this
    const random = new SeededRandom(7)
    this.files = options.files ?? new MemoryStateFiles()
    this.probes = new FakeProbes(clock)
    this.state = new LocalState({
      node: 'n1',
      files: this.files,
      clock,
      log,
      sidecarPorts: { min: 21_000, max: 21_255 },
      bindAddress: '127.0.0.2',
      scripts: { everywhere: true, files: true },
    })
    const { rows } = this.state
    const { probes, processes } = this.probes
    this.runner = new CheckRunner({ rows, probes, processes, clock, random, metrics })
    this.ttl = new TtlChecks(rows, clock)
    this.alias = new AliasChecks({ rows, node: 'n1', read: options.read ?? noReads, clock, random })
    const deregister = (id: string): ReturnType<LocalState['deregister']> => this.state.deregister(id)
    this.reaper = new Reaper({ rows, deregister, clock, log, metrics })
    this.state.load()
  }

  register(service: string, ...checks: readonly CheckDefinition[]): void {
    this.state.register(definitionOf(service, { checks }), { source: 'api', replaceChecks: true })
  }

  /** Status and output of a check, as the catalog would show it. */
  shown(checkId: string): readonly [string | undefined, string | undefined] {
    const check = this.state.check(checkId)?.check
    return [check?.status, check?.output]
  }
}
