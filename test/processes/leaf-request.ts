// The certificate and key of a service as a tool on its host gets them: from the agent's own socket.
import http from 'node:http'
import { join } from 'node:path'
import type { Host } from '../../src/command/dev/mesh.ts'

export interface ServedLeaf {
  readonly CertPEM: string
  readonly PrivateKeyPEM: string
}

export function leafOf(host: Host, service: string): Promise<ServedLeaf> {
  const at = { socketPath: join(host.run, 'api.sock'), path: `/v1/agent/connect/ca/leaf/${service}` }
  return new Promise((resolve, reject) => {
    const asked = http.get(at, (answer) => {
      let text = ''
      answer.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      answer.on('end', () => resolve(JSON.parse(text) as ServedLeaf))
    })
    asked.on('error', reject)
  })
}
