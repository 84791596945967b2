// Traffic that goes on while a test does harm: connections that stay open and are used again and again, and new ones all
// the time. Tells what became of each kind.
import { attempt, Conversation, type Outcome } from './client.ts'
import { ports } from './fixture.ts'

export interface TrafficReport {
  /** Long connections that broke. */
  readonly broken: number
  /** New connections by what became of them. */
  readonly echoed: number
  readonly cut: number
  readonly refused: number
}

export class Traffic {
  private readonly address: string
  private readonly conversations: Conversation[] = []
  private readonly outcomes: Outcome[] = []
  private readonly lanes: Promise<void>[] = []
  private stopping = false

  private constructor(address: string) {
    this.address = address
  }

  /** Opens `long` connections and starts two lanes of new ones. */
  static async start(address: string, long = 20): Promise<Traffic> {
    const traffic = new Traffic(address)
    for (let i = 0; i < long; i++) {
      const conversation = await Conversation.open(address, ports.upstream)
      if (conversation === undefined || !(await conversation.echo('hello')))
        throw new Error('a long connection could not be opened')
      traffic.conversations.push(conversation)
    }
    traffic.lanes.push(traffic.reuse(), traffic.renew(), traffic.renew())
    return traffic
  }

  /** New connections that have ended so far: something to wait for. */
  get ended(): number {
    return this.outcomes.length
  }

  /** What happened to new connections since `from` of them had ended. */
  since(from: number): readonly Outcome[] {
    return this.outcomes.slice(from)
  }

  async stop(): Promise<TrafficReport> {
    this.stopping = true
    await Promise.all(this.lanes)
    const broken = this.conversations.filter((each) => each.closed).length
    for (const each of this.conversations) each.close()
    const count = (kind: Outcome['kind']): number => this.outcomes.filter((each) => each.kind === kind).length
    return { broken, echoed: count('echoed'), cut: count('cut'), refused: count('refused') }
  }

  private async reuse(): Promise<void> {
    while (!this.stopping) {
      await Promise.all(this.conversations.map((each) => (each.closed ? undefined : each.echo('again'))))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  private async renew(): Promise<void> {
    while (!this.stopping) this.outcomes.push(await attempt(this.address, ports.upstream, 'new'))
  }
}
