/**
 * The hosts of a test, typed: what testbed.sh does, one call each. Every run has its own folder below the cache, named
 * after its process, so that what a killed run left behind is found and removed by the next one.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = import.meta.dirname

/** Never in the repository: it holds root-owned file systems with device nodes. */
const cache = join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'mesh-agent-testbed')

/** Debian releases that hosts are made of. */
export type Suite = 'bookworm' | 'trixie'

export class Host {
  readonly name: string
  readonly address: string
  readonly #call: Call

  constructor(name: string, address: string, call: Call) {
    this.name = name
    this.address = address
    this.#call = call
  }

  /** Runs a command as root and returns what it printed; rejects with its words when it does not exit with 0. */
  exec(...command: readonly string[]): Promise<string> {
    return this.#call('exec', this.name, ...command)
  }

  /** Exit status and output, for commands that are expected to fail. */
  async attempt(
    ...command: readonly string[]
  ): Promise<{ readonly status: number; readonly output: string }> {
    try {
      return { status: 0, output: await this.exec(...command) }
    } catch (error) {
      if (error instanceof CommandFailed) return { status: error.status, output: error.output }
      throw error
    }
  }

  async push(file: string, path: string): Promise<void> {
    await this.#call('push', this.name, file, path)
  }

  async write(path: string, text: string): Promise<void> {
    await this.exec('sh', '-c', 'printf %s "$1" > "$2"', '_', text, path)
  }

  /** The journal of one unit since the last boot. */
  journal(unit: string): Promise<string> {
    return this.#call('logs', this.name, '-b', '-o', 'cat', '-u', unit)
  }

  /** Also of earlier boots, and while the host is off. */
  wholeJournal(unit: string): Promise<string> {
    return this.#call('logs', this.name, '-o', 'cat', '-u', unit)
  }

  async powerOff(): Promise<void> {
    await this.#call('stop', this.name)
  }

  async powerOn(): Promise<void> {
    await this.#call('start', this.name)
  }

  /** The plug is pulled: no process gets to say or write anything more. */
  async cut(): Promise<void> {
    await this.#call('kill', this.name)
  }

  /** All processes stand still; what they hold open stays open. */
  async pause(): Promise<void> {
    await this.#call('pause', this.name)
  }

  async resume(): Promise<void> {
    await this.#call('resume', this.name)
  }

  /** Packets vanish: what the host sends (`out`), what it is sent (`in`), or both, or between it and one other. */
  async partition(what: 'both' | 'out' | 'in' | Host): Promise<void> {
    await this.#call('partition', this.name, what instanceof Host ? what.name : what)
  }

  /** Ends all partitions of this testbed, not only those of this host. */
  async healAll(): Promise<void> {
    await this.#call('heal')
  }
}

export class CommandFailed extends Error {
  readonly status: number
  readonly output: string

  constructor(words: readonly string[], status: number, output: string) {
    super(`${words.join(' ')}: exit ${status}\n${output.trim()}`)
    this.name = 'CommandFailed'
    this.status = status
    this.output = output
  }
}

type Call = (...words: readonly string[]) => Promise<string>

/** Why hosts cannot be booted here, or undefined. */
export async function whyUnavailable(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  const missing = await withTools()
  if (missing !== undefined) return missing
  try {
    await testbedIn(runFolder())('check')
  } catch (error) {
    if (error instanceof CommandFailed && error.status === 77) return error.output.trim()
    throw error
  }
  return undefined
}

/** Commands that the testbed needs, and the package of each. */
const tools: Readonly<Record<string, string>> = {
  'dpkg-deb': 'dpkg',
  flock: 'util-linux',
  ip: 'iproute2',
  nsenter: 'util-linux',
  perl: 'perl',
  setpriv: 'util-linux',
  strip: 'binutils',
  tc: 'iproute2',
}

async function withTools(): Promise<string | undefined> {
  const has = (command: string): boolean =>
    ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) =>
      existsSync(join(folder, command)),
    )
  const missing = Object.keys(tools).filter((command) => !has(command))
  if (missing.length === 0) return undefined
  if (!has('apt-get')) return `${missing.join(', ')} missing, and there is no apt-get to install it with`
  const packages = [...new Set(missing.map((command) => tools[command] ?? command))]
  console.log(`# installing ${packages.join(' ')} for ${missing.join(', ')}`)
  try {
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages])
    return undefined
  } catch {
    return `${missing.join(', ')} missing, and apt-get install ${packages.join(' ')} failed`
  }
}

/** The folder of the root filesystem, built where it is not cached. Exit status 77: it cannot be built here. */
export async function rootFileSystem(suite: Suite): Promise<string> {
  return (await call(join(here, 'root.sh'), [suite, cache], process.env)).trim()
}

/** Boots `count` hosts. Whoever calls it calls `tearDown` at the end, whatever happens. */
export async function boot(count: number, root: string): Promise<readonly Host[]> {
  const testbed = testbedIn(runFolder(), root)
  await testbed('up', String(count))
  return Array.from({ length: count }, (_, i) => new Host(`h${i + 1}`, `10.77.1.${i + 1}`, testbed))
}

/** Removes the hosts of this run and of runs that were killed. */
export async function tearDown(): Promise<void> {
  const runs = join(cache, 'runs')
  if (!existsSync(runs)) return
  for (const name of readdirSync(runs)) {
    if (name !== String(process.pid) && existsSync(`/proc/${name}`)) continue
    await testbedIn(join(runs, name))('down')
    rmSync(join(runs, name), { recursive: true })
  }
}

function runFolder(): string {
  const folder = join(cache, 'runs', String(process.pid))
  mkdirSync(folder, { recursive: true })
  return folder
}

function testbedIn(work: string, root = ''): Call {
  const environment = { ...process.env, TESTBED_WORK: work, TESTBED_ROOT: root }
  return (...words) => call(join(here, 'testbed.sh'), words, environment)
}

async function call(
  program: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  try {
    return (await run(program, [...words], { env: environment, maxBuffer: 16 << 20 })).stdout
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    throw new CommandFailed(words, code, `${stdout ?? ''}${stderr ?? ''}`)
  }
}
