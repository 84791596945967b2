/** What a test on hosts is: a story told on fresh hosts that have the package but have not installed it yet. */
import { ok } from 'node:assert/strict'
import type { Step } from './steps.ts'
import type { Host, Suite } from './testbed.ts'

export interface Scenario {
  /** As typed behind `npm run test:hosts --`. */
  readonly name: string
  /** One line: what is seen to hold when it passes. */
  readonly about: string
  readonly hosts: number
  readonly suites: readonly Suite[]
  readonly run: (step: Step, scene: Scene) => Promise<void>
}

export interface Scene {
  /** The package of this tree, on this machine; on each host it lies as /root/mesh-agent.deb. */
  readonly deb: string
  /** vm1, vm2 ..., as the README calls them, and as they call themselves. */
  readonly hosts: ReadonlyMap<string, Host>
}

export function hostOf({ hosts }: Scene, name: string): Host {
  const host = hosts.get(name)
  ok(host, `there is a host ${name}`)
  return host
}
