/** What a shell needs to talk to a local mesh: a file to be sourced, with the `mesh` command and the operator's token. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host, LocalMesh } from './mesh.ts'

/** Writes the file, 0600, and returns its path. It names the token's file, not the token. */
export function writeEnvironment(mesh: LocalMesh, host: Host): string {
  const path = join(mesh.plan.directory, 'env')
  const command = [process.execPath, mesh.plan.entry].map((part) => `'${part}'`).join(' ')
  const lines = [
    `export MESH_HTTP_ADDR=${host.api}`,
    `export MESH_TOKEN_FILE='${mesh.operatorTokenFile}'`,
    `mesh() { ${command} "$@"; }`,
    '',
  ]
  writeFileSync(path, lines.join('\n'), { mode: 0o600 })
  return path
}
