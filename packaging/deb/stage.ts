/**
 * Lays out the files of the package as they will lie on a host: names, modes, one time for all. What is in the files comes
 * from packaging/ and from the bundle; how the tree becomes a .deb is build.ts's business.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { completionScripts } from '../../src/command/completion.ts'
import { type Bundle, root } from '../bundle.ts'
import type { Issue } from '../man/commands.ts'
import { manualPages } from '../man/pages.ts'
import { copyrightFile } from './copyright.ts'
import { formats } from './formats.ts'
import { type Architecture, type NodePackage, stripCommands } from './node-binary.ts'

export interface Inputs {
  readonly bundle: Bundle
  readonly node: NodePackage
  readonly architecture: Architecture
  /** Time of every file, seconds since the epoch. */
  readonly timeSeconds: number
  readonly maintainer: string
}

const packaging = join(root, 'packaging')
const examples = join(root, 'config/examples/quickstart')
const units = ['mesh-agent.service', 'mesh-server.service', 'mesh-proxy.service']

/** Writes the tree below `tree`, which exists and is empty. */
export function stage(tree: string, inputs: Inputs): void {
  const put = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), content)
    chmodSync(join(tree, path), mode)
  }
  const from = (path: string): string => readFileSync(join(packaging, path), 'utf8')
  const lib = join(tree, 'usr/lib/mesh-agent')

  cpSync(inputs.bundle.folder, lib, { recursive: true })
  copyFileSync(inputs.node.binary, join(lib, 'node'))
  strip(join(lib, 'node'), inputs.architecture)
  put('usr/bin/mesh', from('deb/mesh'), 0o755)
  for (const name of ['take-over', 'configured'])
    put(`usr/lib/mesh-agent/${name}`, from(`deb/host/${name}`), 0o755)
  put('usr/lib/mesh-agent/formats', `${formats(inputs.bundle.versions)}\n`)
  put('etc/mesh-agent/mesh-agent.hcl', from('deb/mesh-agent.hcl'))
  put('etc/needrestart/conf.d/mesh-agent.conf', from('deb/needrestart.conf'))
  for (const unit of units) put(`usr/lib/systemd/system/${unit}`, from(`systemd/${unit}`))
  put('usr/lib/sysusers.d/mesh-agent.conf', from('systemd/mesh-agent.sysusers'))
  put('usr/lib/tmpfiles.d/mesh-agent.conf', from('systemd/mesh-agent.tmpfiles'))
  const packages = inputs.bundle.packages.map((folder) => join(root, folder))
  put('usr/share/doc/mesh-agent/copyright', copyrightFile(packages, inputs.node.licence))
  put('usr/share/doc/mesh-agent/changelog.gz', compressed(changelog(inputs)))
  put('usr/share/bash-completion/completions/mesh', completionScripts.bash)
  put('usr/share/zsh/vendor-completions/_mesh', completionScripts.zsh)
  for (const [file, text] of manualPages(issueOf(inputs)))
    put(`usr/share/man/man${file.at(-1)}/${file}.gz`, compressed(text))
  for (const name of readdirSync(examples))
    put(`usr/share/doc/mesh-agent/examples/${name}`, readFileSync(join(examples, name), 'utf8'))
  put('usr/share/lintian/overrides/mesh-agent', from('deb/lintian-overrides'))
  settle(tree, inputs.timeSeconds)
}

/** Symbols are a sixth of the binary. Where no `strip` for its architecture is installed, they stay in. */
function strip(binary: string, architecture: Architecture): void {
  chmodSync(binary, 0o755)
  try {
    execFileSync(stripCommands[architecture], ['--strip-unneeded', binary], { stdio: 'pipe' })
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    console.error(`node is packed with its symbols, which makes the package larger: ${why}`)
  }
}

/** Level 9 without name or time in the header: the same text gives the same bytes. */
const compressed = (text: string): Uint8Array => gzipSync(text, { level: 9 })

function changelog({ bundle, timeSeconds, maintainer }: Inputs): string {
  const date = new Date(timeSeconds * 1000).toUTCString().replace('GMT', '+0000')
  return `mesh-agent (${bundle.version}) stable; urgency=medium

  * Version ${bundle.version}. What is new stands in the project's CHANGELOG.md.

 -- ${maintainer}  ${date}
`
}

const issueOf = ({ bundle, timeSeconds }: Inputs): Issue => ({
  date: new Date(timeSeconds * 1000).toISOString().slice(0, 10),
  version: bundle.version,
})

/** The builder's umask and the hour leave no trace. Folders come last, because their own time changes with their files. */
export function settle(folder: string, timeSeconds: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const status = lstatSync(path)
    if (status.isDirectory()) settle(path, timeSeconds)
    else {
      chmodSync(path, (status.mode & 0o100) === 0 ? 0o644 : 0o755)
      utimesSync(path, timeSeconds, timeSeconds)
    }
  }
  chmodSync(folder, 0o755)
  utimesSync(folder, timeSeconds, timeSeconds)
}
