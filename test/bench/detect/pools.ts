// The two kinds of pools that are compared, behind one interface: members in processes of their own, and what each says
// of the others as soon as it says it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PoolChild } from '../../interop/pool-child.ts'
import { SerfPeer } from '../../peers/serf.ts'
import { SerfRpc } from '../../peers/serf-rpc.ts'

export type News = 'failed' | 'joined'

export interface Measured {
  readonly name: 'ours' | 'serf'
  readonly nodes: readonly string[]
  /** All members, joined through the first. */
  start(): Promise<void>
  kill(at: number): Promise<void>
  /** With an empty list of members; resolves when it can be asked to join. */
  startAgain(at: number): Promise<void>
  /** Asks `at` to join through `through`. */
  join(at: number, through: number): Promise<void>
  /** When member `by` told this about `node` after `sinceMs`, by `performance.now()`; undefined: not yet. */
  heardMs(by: number, news: News, node: string, sinceMs: number): number | undefined
  end(): Promise<void>
}

const port = 7_946
const key = Buffer.alloc(16, 5).toString('base64')
const net = `127.81.${process.pid % 250}`

abstract class Members {
  readonly nodes: readonly string[]
  protected readonly addresses: readonly string[]

  constructor(prefix: string, count: number, firstHost: number) {
    this.nodes = Array.from({ length: count }, (_, at) => `${prefix}-${at + 1}`)
    this.addresses = Array.from({ length: count }, (_, at) => `${net}.${firstHost + at}`)
  }

  abstract startAgain(at: number): Promise<void>
  abstract join(at: number, through: number): Promise<void>

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((_node, at) => this.startAgain(at)))
    for (let at = 1; at < this.nodes.length; at += 1) await this.join(at, 0)
  }

  protected endpoint(at: number): string {
    return `${this.addresses[at]}:${port}`
  }
}

export class OurPool extends Members implements Measured {
  readonly name = 'ours'
  readonly #children: PoolChild[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-detect-'))

  constructor(count: number) {
    super('ours', count, 1)
  }

  async startAgain(at: number): Promise<void> {
    const [node = '', address = ''] = [this.nodes[at], this.addresses[at]]
    const folder = join(this.#folder, node)
    rmSync(folder, { recursive: true, force: true })
    this.#children[at] = await PoolChild.start({ node, address, port, key, folder, profile: 'lan' })
  }

  async join(at: number, through: number): Promise<void> {
    await this.#children[at]?.do({ do: 'join', addresses: [this.endpoint(through)] })
  }

  async kill(at: number): Promise<void> {
    await this.#children[at]?.kill()
  }

  heardMs(by: number, news: News, node: string, sinceMs: number): number | undefined {
    const event = `member-${news}`
    return this.#children[by]?.events.find(
      (one) => one.event === event && one.node === node && one.heardMs > sinceMs,
    )?.heardMs
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Heard {
  readonly text: string
  readonly heardMs: number
}

export class SerfPool extends Members implements Measured {
  readonly name = 'serf'
  readonly #peers: SerfPeer[] = []
  readonly #controls: SerfRpc[] = []
  readonly #heard: Heard[][] = []

  constructor(count: number) {
    super('serf', count, 101)
  }

  async startAgain(at: number): Promise<void> {
    const [node = '', address = ''] = [this.nodes[at], this.addresses[at]]
    const heard: Heard[] = []
    const onLine = (text: string): void => {
      if (text.includes(' serf: Event')) heard.push({ text, heardMs: performance.now() })
    }
    this.#heard[at] = heard
    this.#peers[at] = new SerfPeer({ node, address, key, profile: 'lan', onLine })
    this.#controls[at] = await SerfRpc.open(address)
  }

  async join(at: number, through: number): Promise<void> {
    await this.#controls[at]?.join(this.endpoint(through))
  }

  async kill(at: number): Promise<void> {
    this.#controls[at]?.close()
    await this.#peers[at]?.kill()
  }

  heardMs(by: number, news: News, node: string, sinceMs: number): number | undefined {
    const text = ` serf: EventMember${news === 'failed' ? 'Failed' : 'Join'}: ${node} `
    return this.#heard[by]?.find((one) => one.heardMs > sinceMs && one.text.includes(text))?.heardMs
  }

  /** The line of its banner that names its set of parameters. */
  get profile(): string {
    return /Profile: (\S+)/.exec(this.#peers[0]?.output ?? '')?.[1] ?? 'unknown'
  }

  async end(): Promise<void> {
    for (const control of this.#controls) control.close()
    await Promise.all(this.#peers.map((peer) => peer.kill()))
  }
}
