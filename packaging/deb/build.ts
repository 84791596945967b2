/**
 * `npm run deb`: makes dist/mesh-agent_<version>_<architecture>.deb with dpkg-deb. The same commit gives the same bytes.
 *
 *   --compression zstd|xz   zstd (default) takes a second; xz is for a release: smaller, and a minute of work
 *   --architecture NAME     amd64 or arm64; default: this machine's. Another one's Node.js is fetched by npm
 *   --node FILE             the Node.js binary to ship; default: the pinned npm package
 *   --output FOLDER         default: dist
 *   --version VERSION       default: the one in package.json
 *   --next-release          with every protocol and format one version higher, to try an upgrade (../next-versions.ts)
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle, root } from '../bundle.ts'
import { formats } from './formats.ts'
import { type Architecture, hostArchitecture, pinnedNode } from './node-binary.ts'
import { settle, stage } from './stage.ts'

export interface DebOptions {
  readonly compression?: 'zstd' | 'xz'
  readonly architecture?: Architecture
  readonly node?: string
  readonly output?: string
  readonly version?: string
  readonly isNextRelease?: boolean
}

const compressions = { zstd: ['-Zzstd', '-z3'], xz: ['-Zxz', '-z6'] } as const

const maintainer = 'mesh-agent maintainers <maintainers@mesh-agent.example>'

/** Builds the package and returns its path. Needs dpkg-deb; throws with its words when something fails. */
export async function buildDeb(options: DebOptions = {}): Promise<string> {
  const architecture = options.architecture ?? hostArchitecture
  const output = options.output ?? join(root, 'dist')
  const timeSeconds = sourceTimeSeconds()
  const work = mkdtempSync(join(tmpdir(), 'mesh-deb-'))
  try {
    const { version, isNextRelease } = options
    const made = await bundle({
      folder: join(work, 'bundle'),
      ...(version && { version }),
      ...(isNextRelease && { isNextRelease }),
    })
    const tree = join(work, 'tree')
    mkdirSync(join(work, 'node'))
    // The licence is that of the pinned Node.js also where another build of it is shipped.
    const pinned = pinnedNode(
      options.node === undefined ? architecture : hostArchitecture,
      join(work, 'node'),
    )
    const node = { binary: options.node ?? pinned.binary, licence: pinned.licence }
    stage(tree, { bundle: made, node, architecture, timeSeconds, maintainer })
    addControl(tree, { version: made.version, architecture, formats: formats(made.versions) })
    settle(join(tree, 'DEBIAN'), timeSeconds)
    mkdirSync(output, { recursive: true })
    const deb = join(output, `mesh-agent_${made.version}_${architecture}.deb`)
    const flags = ['--root-owner-group', ...compressions[options.compression ?? 'zstd']]
    execFileSync('dpkg-deb', [...flags, '--build', tree, deb], {
      stdio: 'pipe',
      env: { ...process.env, SOURCE_DATE_EPOCH: String(timeSeconds) },
    })
    return deb
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** Time of the last commit, unless the environment names another. */
function sourceTimeSeconds(): number {
  const given = process.env['SOURCE_DATE_EPOCH']
  if (given !== undefined && /^\d+$/.test(given)) return Number(given)
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }))
  } catch {
    throw new Error(
      'this is not a git clone: set SOURCE_DATE_EPOCH to the seconds that all files shall carry',
    )
  }
}

interface Fields {
  readonly version: string
  readonly architecture: Architecture
  /** The lines of formats.ts. */
  readonly formats: string
}

function addControl(tree: string, fields: Fields): void {
  const folder = join(tree, 'DEBIAN')
  const files = filesBelow(tree)
  mkdirSync(folder)
  writeFileSync(join(folder, 'control'), control(fields, kibibytes(tree, files)))
  writeFileSync(
    join(folder, 'conffiles'),
    files
      .filter(isConffile)
      .map((path) => `/${path}\n`)
      .join(''),
  )
  writeFileSync(
    join(folder, 'md5sums'),
    files
      .filter((path) => !isConffile(path))
      .map((path) => sumLine(tree, path))
      .join(''),
  )
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(root, 'packaging/deb/scripts', script), 'utf8')
    writeFileSync(join(folder, script), text.replace('@FORMATS@', fields.formats))
    chmodSync(join(folder, script), 0o755)
  }
}

const isConffile = (path: string): boolean => path.startsWith('etc/')

const sumLine = (tree: string, path: string): string =>
  `${createHash('md5')
    .update(readFileSync(join(tree, path)))
    .digest('hex')}  ${path}\n`

const filesBelow = (tree: string): readonly string[] =>
  readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(tree, path)).isFile())
    .sort()

const kibibytes = (tree: string, files: readonly string[]): number =>
  files.reduce((sum, path) => sum + Math.ceil(statSync(join(tree, path)).size / 1024), 0)

/** The oldest libraries that the Node.js binary runs with, and the oldest systemd that knows every line of the units. */
function control({ version, architecture }: Fields, installedKibibytes: number): string {
  return `Package: mesh-agent
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${installedKibibytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 9), passwd, systemd (>= 247)
Section: net
Priority: optional
Description: service mesh for virtual machines and bare metal
 Registers the services of a host, checks their health and carries traffic
 between them over mutual TLS, as far as intentions allow it. A few servers
 keep the catalog and the certificate authority; every host runs an agent and
 a proxy. No database, no Kubernetes and no other proxy is needed.
 .
 The package brings its own Node.js.
`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      compression: { type: 'string', default: 'zstd' },
      architecture: { type: 'string' },
      node: { type: 'string' },
      output: { type: 'string' },
      version: { type: 'string' },
      'next-release': { type: 'boolean', default: false },
    },
  })
  const { compression, architecture, 'next-release': isNextRelease, ...rest } = values
  if (compression !== 'zstd' && compression !== 'xz') throw new Error('--compression is zstd or xz')
  if (architecture !== undefined && architecture !== 'amd64' && architecture !== 'arm64')
    throw new Error('--architecture is amd64 or arm64')
  const deb = await buildDeb({ compression, ...(architecture && { architecture }), isNextRelease, ...rest })
  console.log(`${deb}: ${(statSync(deb).size / 1e6).toFixed(1)} MB`)
}
