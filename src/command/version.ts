/** Our version, from the one place that has it, and the version of Consul's interfaces that the API claims. */
import manifest from '../../package.json' with { type: 'json' }
import { claimedConsulVersion } from '../wire/http-json/self.ts'
import type { Context } from './declare.ts'

export const version: string = manifest.version

export function showVersion({ terminal }: Context): void {
  const facts = { version, consul: claimedConsulVersion, node: process.versions.node }
  terminal.show(facts, () => {
    terminal.line(`mesh-agent ${version}`)
    terminal.line(`HTTP API compatible with Consul ${claimedConsulVersion}; Node.js ${process.versions.node}`)
  })
}
