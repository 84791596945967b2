// `mesh proxy` as the package ships it, bundled, with an agent's link of this process: what its memory costs is what an
// operator sees, and not what running TypeScript costs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningProxyLink, startProxyLink } from '../../../src/agent/link/proxy-link.ts'
import { Program, until } from '../../../src/command/dev/program.ts'
import { unwrap } from '../../../src/model/errors.ts'
import type { ProxyResource } from '../../../src/model/proxy-config.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { recordLog, recordMetrics } from '../../unit/proxy/lab.ts'

export class ShippedProxy {
  private readonly program: Program
  private readonly link: RunningProxyLink
  private published = 0

  private constructor(program: Program, link: RunningProxyLink) {
    this.program = program
    this.link = link
  }

  /** `entry`: main.js of the bundle. */
  static async start(entry: string, folder: string, name: string): Promise<ShippedProxy> {
    const at = join(folder, name)
    for (const part of ['conf', 'run', 'data']) mkdirSync(join(at, part), { recursive: true, mode: 0o700 })
    const settings = {
      node_name: name,
      datacenter: 'dc1',
      data_dir: join(at, 'data'),
      runtime_dir: join(at, 'run'),
      bind_addr: '127.0.0.1',
      log_json: true,
      proxy: { access_log_path: join(at, 'access.log') },
    }
    writeFileSync(join(at, 'conf/mesh-agent.json'), JSON.stringify(settings))
    const socketPath = join(at, 'run/link.sock')
    const [log, metrics] = [recordLog(), recordMetrics()]
    const link = unwrap(await startProxyLink({ socketPath, mode: 0o600, clock: systemClock, log, metrics }))
    const args = [entry, 'proxy', '--config-dir', join(at, 'conf')]
    const program = new Program({ name, args, logFile: join(at, 'proxy.log') })
    program.start()
    return new ShippedProxy(program, link)
  }

  /** Waits until all of it is in force. */
  async publish(resources: readonly ProxyResource[]): Promise<void> {
    this.published += 1
    this.link.publish(resources)
    const version = this.published
    await until(
      `configuration ${version}`,
      () => (this.link.proxies()[0]?.acknowledged === version ? true : undefined),
      { watching: [this.program] },
    )
  }

  /** Holder and worker. */
  get pids(): readonly number[] {
    const holder = this.program.pid ?? 0
    const children = readFileSync(`/proc/${holder}/task/${holder}/children`, 'utf8').trim()
    return [holder, ...children.split(' ').filter(Boolean).map(Number)]
  }

  async stop(): Promise<void> {
    await this.program.stop()
    await this.link.close()
  }
}
