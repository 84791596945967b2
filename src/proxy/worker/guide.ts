/**
 * The guide of a proxy with one worker per service: follows the agent and tells the holder which services have listeners.
 * Serves nothing and is given no keys. Without an agent it goes on with the names that it kept.
 */
import { limits } from '../../model/limits.ts'
import type { ProxyResource } from '../../model/proxy-config.ts'
import { resourceKey } from '../../model/proxy-config.ts'
import type { Clock, Log, Random, StateFiles } from '../../platform/ports.ts'
import { type FromAgent, type FromProxy, readFromAgent, versionOf } from '../../wire/link/message.ts'
import { LinkClient } from './link-client.ts'

export interface GuideOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The guide's own folder. */
  readonly files: StateFiles
  readonly linkSocketPath: string
  readonly pid: number
  readonly version: string
  /** Told at the start and after each change. */
  readonly onServices: (names: readonly string[]) => void
}

const path = 'services.json'

/** Runs until `stop`. */
export function startGuide(options: GuideOptions): { stop(): void } {
  const guide = new Guide(options)
  guide.start()
  return guide
}

class Guide {
  private readonly options: GuideOptions
  private readonly link: LinkClient
  /** Service of each listener, by resource key. */
  private services = new Map<string, string>()
  private version = 0
  private told = ''

  constructor(options: GuideOptions) {
    const { linkSocketPath: socketPath, pid, version, clock, random, log } = options
    const worker = Buffer.from(random.bytes(12)).toString('hex')
    const part = { kind: 'listeners' } as const
    this.options = options
    this.link = new LinkClient(
      { socketPath, pid, worker, version, clock, random, log, part },
      {
        onUp: () => {
          this.version = 0
        },
        onMessage: (message) => this.onMessage(message),
      },
    )
  }

  start(): void {
    const kept = this.kept()
    if (kept.length > 0) this.tell(kept)
    this.link.start()
  }

  stop(): void {
    this.link.stop()
  }

  private onMessage(raw: unknown): void {
    const message = readFromAgent(raw)
    if (message.ok) this.dispatch(message.value)
    else if (versionOf(raw) === 0) this.link.hangUp(message.failure.message)
    else this.send({ kind: 'nack', version: versionOf(raw), reason: message.failure.message })
  }

  private dispatch(message: FromAgent): void {
    switch (message.kind) {
      case 'welcome':
        this.link.settled()
        return
      case 'goaway':
        this.link.hangUp(message.reason)
        return
      case 'full':
        this.services = new Map()
        this.take(message.version, message.resources, [])
        return
      case 'delta':
        if (message.base === this.version) this.take(message.version, message.upserts, message.removes)
        else this.send({ kind: 'resync' })
        return
    }
  }

  private take(
    version: number,
    upserts: readonly ProxyResource[],
    removes: readonly Pick<ProxyResource, 'kind' | 'name'>[],
  ): void {
    for (const name of removes) this.services.delete(resourceKey(name))
    for (const resource of upserts)
      if ('service' in resource) this.services.set(resourceKey(resource), resource.service)
    this.version = version
    this.tell([...new Set(this.services.values())].sort())
    this.send({ kind: 'ack', version, problems: [] })
  }

  private tell(names: readonly string[]): void {
    const text = JSON.stringify(names)
    if (text === this.told) return
    this.told = text
    const error = this.options.files.write(path, Buffer.from(text), { mode: 0o600 })
    if (error !== undefined)
      this.options.log.error('the names of services could not be kept', { error: error.message })
    this.options.onServices(names)
  }

  /** A damaged file counts as none: the agent says it again. */
  private kept(): readonly string[] {
    const bytes = this.options.files.read(path)
    try {
      const names: unknown = JSON.parse(Buffer.from(bytes ?? []).toString())
      if (!Array.isArray(names)) return []
      return names.filter((name) => typeof name === 'string').slice(0, limits.isolatedWorkers)
    } catch {
      return []
    }
  }

  private send(message: FromProxy): void {
    this.link.send(message)
  }
}
