/** `mesh info`: what the agent says about itself, in sections of `name = value`. */
import type { SelfJson } from '../wire/http-json/self.ts'
import type { Context } from './declare.ts'

export async function showInfo({ client, terminal }: Context): Promise<void> {
  const self = (await client().ask('GET', '/v1/agent/self')).json<SelfJson>()
  const { NodeName, NodeID, Datacenter, Server, Version } = self.Config
  const sections = {
    node: { name: NodeName, id: NodeID, datacenter: Datacenter, server: String(Server), version: Version },
    ...self.Stats,
  }
  terminal.show(sections, () => {
    for (const [section, values] of Object.entries(sections)) {
      const rows = Object.entries(values)
      if (rows.length === 0) continue
      terminal.line(`${section}:`)
      for (const [name, value] of rows) terminal.line(`  ${name} = ${value === '' ? '-' : value}`)
    }
  })
}
