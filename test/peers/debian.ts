// Programs of Debian's packages, which nobody here wrote and which judge us: taken from the machine where they are installed,
// else downloaded by apt with all they need and unpacked into a folder of their own. Nothing is installed, no daemon starts.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface DebianProgram {
  /** Absolute path. */
  readonly path: string
  /** To be added to the environment of the child, so that it finds its libraries and modules. */
  readonly env: Readonly<Record<string, string>>
  /** Root of the unpacked packages, `/` where they are installed. */
  readonly root: string
}

const cache = join(import.meta.dirname, '../../node_modules/.cache/debian')
const programFolders = ['usr/bin', 'usr/sbin', 'bin', 'sbin', 'usr/local/bin']
const libraryFolders = [
  'usr/lib/x86_64-linux-gnu',
  'lib/x86_64-linux-gnu',
  'usr/lib/aarch64-linux-gnu',
  'usr/lib',
]

/**
 * The program `name` of the package; undefined where it is neither installed nor to be had.
 * With `name` a file below the root, such as a Python module's folder, its path is given likewise.
 */
export function debianProgram(packageName: string, name: string): DebianProgram | undefined {
  const installed = find('/', name)
  if (installed !== undefined) return { path: installed, env: {}, root: '/' }
  const root = unpacked(packageName)
  const path = root === undefined ? undefined : find(root, name)
  return root === undefined || path === undefined ? undefined : { path, env: environment(root), root }
}

function find(root: string, name: string): string | undefined {
  const fromPath = root === '/' ? (process.env['PATH'] ?? '').split(delimiter) : []
  const folders = [...programFolders.map((folder) => join(root, folder)), ...fromPath]
  return [join(root, name), ...folders.map((folder) => join(folder, name))].find((path) => existsSync(path))
}

function environment(root: string): Readonly<Record<string, string>> {
  return {
    LD_LIBRARY_PATH: libraryFolders.map((folder) => join(root, folder)).join(delimiter),
    PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
  }
}

/** Folder that holds the package's files, downloading them if they are not there yet. */
function unpacked(packageName: string): string | undefined {
  const root = join(cache, packageName)
  if (existsSync(join(root, 'complete'))) return root
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, `.${packageName}-`))
  try {
    const archives = join(folder, 'archives')
    mkdirSync(join(archives, 'partial'), { recursive: true })
    const options = [`-oDir::Cache::archives=${archives}/`, '-oDebug::NoLocking=1', '-oAPT::Sandbox::User=']
    execFileSync(
      'apt-get',
      ['install', '-y', '-q', '--no-install-recommends', '--download-only', ...options, packageName],
      { stdio: 'ignore', timeout: 120_000 },
    )
    const files = readdirSync(archives).filter((file) => file.endsWith('.deb'))
    for (const file of files) execFileSync('dpkg', ['-x', join(archives, file), folder], { stdio: 'ignore' })
    rmSync(archives, { recursive: true })
    writeFileSync(join(folder, 'complete'), '')
    renameSync(folder, root)
  } catch {
    rmSync(folder, { recursive: true, force: true })
  }
  return existsSync(join(root, 'complete')) ? root : undefined
}
