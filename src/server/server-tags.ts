/**
 * What a server's host says of its server in the gossip pool, in Consul's words where Consul has them: by it agents find
 * servers. The agent of the host carries it there (agent/membership).
 */
import type { Settings } from '../config/settings.ts'

/** Serf allows a member 512 bytes of tags, and the agent adds its own. */
export function serverTags({
  ports,
  bootstrapExpect,
}: Pick<Settings, 'ports' | 'bootstrapExpect'>): Readonly<Record<string, string>> {
  return {
    role: 'consul',
    port: `${ports.server}`,
    raft_vsn: '3',
    use_tls: '1',
    ...(bootstrapExpect > 0 ? { expect: `${bootstrapExpect}` } : {}),
  }
}
