/**
 * Packages made of the one under test by unpacking, changing and packing it again: a later version of it, one that cannot read
 * this host's configuration, one that writes newer state. What a newer version really changes is not this file's business.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Unpacks `deb`, lets `edit` change the tree, and returns the path of a package with that version in a folder of its own. */
export function otherPackage(deb: string, version: string, edit: (tree: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-other-package-'))
  const tree = join(folder, 'tree')
  const made = join(folder, 'mesh-agent.deb')
  execFileSync('dpkg-deb', ['-R', deb, tree])
  change(join(tree, 'DEBIAN/control'), (text) => text.replace(/^Version: .*$/m, `Version: ${version}`))
  edit(tree)
  // Which files a version has decides what take-over keeps apart, and dpkg tells it by this list.
  writeFileSync(join(tree, 'DEBIAN/md5sums'), sums(tree))
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z1', '--build', tree, made], { stdio: 'pipe' })
  rmSync(tree, { recursive: true })
  return made
}

export function change(path: string, edit: (text: string) => string): void {
  writeFileSync(path, edit(readFileSync(path, 'utf8')))
}

const sums = (tree: string): string =>
  execFileSync('sh', ['-c', 'find usr -type f -print0 | sort -z | xargs -0 md5sum'], {
    cwd: tree,
    encoding: 'utf8',
  })

/** Refuses every configuration that has the comment `# old ways`: `validate` and the programs alike. */
export function refuseOldWays(tree: string): void {
  const lib = join(tree, 'usr/lib/mesh-agent')
  renameSync(join(lib, 'main.js'), join(lib, 'as-before.js'))
  writeFileSync(
    join(lib, 'main.js'),
    `import { readdirSync, readFileSync } from 'node:fs'
const folder = '/etc/mesh-agent/'
const isOld = readdirSync(folder).some((name) => /\\.hcl$/.test(name) && /# old ways/.test(readFileSync(folder + name)))
if (isOld && /^(validate|agent|server|proxy|proxy-worker)$/.test(process.argv[2])) {
  console.error('old ways are not understood any more')
  process.exit(78)
}
await import('./as-before.js')
`,
  )
}

/** Writes server logs of format 9, as far as packages can see. */
export function raiseLogFormat(tree: string): void {
  const raise = (text: string): string => text.replace(/^(.*server-log) \d+$/m, '$1 9')
  change(join(tree, 'usr/lib/mesh-agent/formats'), raise)
  change(join(tree, 'DEBIAN/preinst'), raise)
}
