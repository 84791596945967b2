// Two network namespaces with a long way between them that can be cut: packets then vanish without a word, as on a cable that
// was pulled far away. slow-link.py does the work; when it ends, the namespaces are gone with it.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const script = join(import.meta.dirname, 'slow-link.py')

export interface Side {
  /** On one device: for a server, and for a host. */
  readonly addresses: readonly [string, string]
  /** Words before a command that run it there, without a process between. */
  readonly prefix: readonly string[]
}

/** Why there can be no such link here, or undefined. */
export function whyNoLink(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const [program, word] of [
    ['ip', '-V'],
    ['nsenter', '-V'],
    ['python3', '-V'],
  ] as const)
    if (spawnSync(program, [word]).status !== 0) return `there is no ${program}`
  const { status, stderr } = spawnSync('python3', [script, 'check'], { encoding: 'utf8' })
  return status === 0 ? undefined : stderr.trim()
}

export class SlowLink {
  readonly left: Side
  readonly right: Side
  readonly #relay: ChildProcess
  readonly #lines: AsyncIterator<string>
  /** What the kernel calls the two namespaces. */
  readonly #names: readonly string[]

  private constructor(relay: ChildProcess, lines: AsyncIterator<string>, paths: readonly [string, string]) {
    this.#relay = relay
    this.#lines = lines
    this.left = side(1, 2, paths[0])
    this.right = side(2, 1, paths[1])
    this.#names = paths.map((path) => readlinkSync(path))
  }

  /** Every packet is late by `delayMs` in each direction. */
  static async make(delayMs: number): Promise<SlowLink> {
    const relay = spawn('python3', [script, String(delayMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
    // An iterator keeps lines that come together until each is asked for.
    const lines = createInterface({ input: relay.stdout })[Symbol.asyncIterator]()
    const first = await nextLine(lines)
    return new SlowLink(relay, lines, [first, await nextLine(lines)])
  }

  /** Resolves when it holds. */
  cut(): Promise<void> {
    return this.#say('cut')
  }

  heal(): Promise<void> {
    return this.#say('heal')
  }

  /** Processes that are in one of the two networks now. */
  inhabitants(): readonly number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.filter((pid) => this.#names.includes(networkOf(pid))).map(Number)
  }

  async close(): Promise<void> {
    if (this.#relay.exitCode !== null || this.#relay.signalCode !== null) return
    const exited = once(this.#relay, 'exit')
    this.#relay.stdin?.end()
    await exited
  }

  async #say(word: 'cut' | 'heal'): Promise<void> {
    this.#relay.stdin?.write(`${word}\n`)
    const said = await nextLine(this.#lines)
    if (said !== word) throw new Error(`the link was told to ${word}, and said ${said}`)
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { done, value } = await lines.next()
  if (done === true) throw new Error('the relay between the networks has ended')
  return value
}

/** Empty for a process that has just ended. */
function networkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

function side(number: number, other: number, path: string): Side {
  const prefix = ['nsenter', `--net=${path}`, '--']
  const addresses = [`10.80.${number}.1`, `10.80.${number}.2`] as const
  const lines = [
    'link set lo up',
    'link set wan0 up',
    ...addresses.map((address) => `address add ${address}/32 dev wan0`),
    `route add 10.80.${other}.0/24 dev wan0 src ${addresses[0]}`,
  ]
  const [program = '', ...words] = [...prefix, 'ip', '-batch', '-']
  execFileSync(program, words, { input: `${lines.join('\n')}\n` })
  return { addresses, prefix }
}
