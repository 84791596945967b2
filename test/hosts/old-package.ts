/**
 * A package of an earlier commit, made by that commit's own scripts from the files that git has: what stands on the hosts
 * of an operator who upgrades today.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../packaging/bundle.ts'

/** The commit that closed the issue of the data plane: from here on hosts in use are promised an upgrade without a gap. */
export const oldCommit = 'a4f317a'

/** Below every version that there will be: the commit stands between two releases. */
const oldVersion = '0.0.1'

/** Why the package cannot be built here, or undefined. */
export function whyNoOldPackage(): string | undefined {
  try {
    git('cat-file', '-e', `${oldCommit}^{commit}`)
    return undefined
  } catch {
    return `commit ${oldCommit} is not in this clone; git fetch --unshallow brings it`
  }
}

/** Builds it below `work` and returns its path. */
export function buildOldPackage(work: string): string {
  const tree = join(work, 'old-tree')
  mkdirSync(tree, { recursive: true })
  execFileSync('tar', ['-x', '-C', tree], { input: git('archive', oldCommit) })
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  const manifest = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as object
  writeFileSync(join(tree, 'package.json'), JSON.stringify({ ...manifest, version: oldVersion }))
  const time = git('log', '-1', '--format=%ct', oldCommit).toString().trim()
  execFileSync(process.execPath, ['packaging/deb/build.ts', '--output', work], {
    cwd: tree,
    env: { ...process.env, SOURCE_DATE_EPOCH: time },
    stdio: 'pipe',
  })
  return join(work, `mesh-agent_${oldVersion}_${process.arch === 'arm64' ? 'arm64' : 'amd64'}.deb`)
}

const git = (...words: readonly string[]): Buffer =>
  execFileSync('git', [...words], { cwd: root, maxBuffer: 1 << 28, stdio: 'pipe' })
