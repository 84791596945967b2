// Makes node_modules match package-lock.json before any npm script runs; does nothing when it already does.
// Plain JavaScript with built-ins only: it is the one file that must run on whatever Node the machine has.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const modules = join(root, 'node_modules')
const packagedNode = `node-linux-${process.arch}`
const pinnedNode = join(modules, '.bin', 'node')
const stamp = join(modules, '.installed')
const guard = join(root, '.install')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const wanted = `${lock} ${process.platform} ${process.arch}\n`

if (!installed()) {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    fail(`needs Linux on x64 or arm64, this is ${process.platform} on ${process.arch}`)
  enterAlone()
  process.on('exit', () => rmSync(guard, { force: true }))
  if (!installed()) await install()
}

// A hash of the lock, not file times: npm rewrites its own record without installing anything.
function installed() {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
}

async function install() {
  process.stderr.write('installing the packages of package-lock.json (once per lock)\n')
  if (!(await npmCi())) fail('npm ci failed; see the lines above')
  if (!existsSync(join(modules, packagedNode))) fail(`npm found no ${packagedNode}`)
  // npm 10 drops this link when it skips the other platform's Node package.
  rmSync(pinnedNode, { force: true })
  symlinkSync(`../${packagedNode}/bin/node`, pinnedNode)
  writeFileSync(stamp, wanted)
}

function npmCi() {
  const npm = process.env.npm_execpath
  const [file, before] = npm?.endsWith('.js')
    ? [process.env.npm_node_execpath ?? process.execPath, [npm]]
    : ['npm', []]
  const options = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  const child = spawn(file, [...before, 'ci', '--prefer-offline', ...options, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  // npm ci answers SIGINT by going on for seconds and then removing node_modules: only SIGKILL ends it cleanly.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      child.kill('SIGKILL')
      process.exitCode = 130
    })
  if (child.pid !== undefined) {
    symlinkSync(String(child.pid), `${guard}.${process.pid}`)
    renameSync(`${guard}.${process.pid}`, guard)
  }
  return new Promise((resolve) => {
    child.on('error', () => resolve(false)).on('exit', (code) => resolve(code === 0))
  })
}

// The guard is a link whose target is its owner's pid, so it is made and read in one step each.
function enterAlone() {
  for (;;) {
    try {
      symlinkSync(String(process.pid), guard)
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (alive(ownerOfGuard())) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
      else rmSync(guard, { force: true })
    }
  }
}

function ownerOfGuard() {
  try {
    return Number(readlinkSync(guard))
  } catch {
    return 0
  }
}

function alive(pid) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function fail(why) {
  process.stderr.write(`install: ${why}\n`)
  process.exit(1)
}
