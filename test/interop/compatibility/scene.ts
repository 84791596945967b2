// The mesh that the compatibility rows ask: real programs, a few services, rules, keys and sessions, and ways to ask.
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { operate, planMesh, type TestMesh, until } from '../../processes/fixture.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

export interface AskOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** '' for none; default: the operator's. */
  readonly token?: string
  /** Answers that never end are cut after their head. */
  readonly headOnly?: boolean
}

export class Scene {
  readonly #plan: TestMesh & { close(): Promise<void> }
  /** Things that were made while the scene was set up. */
  readonly made = new Map<string, string>()
  operatorToken = ''
  localToken = ''

  private constructor(plan: TestMesh & { close(): Promise<void> }) {
    this.#plan = plan
  }

  static async open(): Promise<Scene> {
    const agentSettings = 'enable_script_checks = true\nencrypt = "cg8StVXbQJ0gPvMd9o7yrg=="'
    const plan = planMesh({ agentSettings })
    const scene = new Scene(plan)
    scene.made.set('beta', plan.backend.address)
    try {
      await plan.mesh.start()
      await scene.#furnish()
    } catch (error) {
      await plan.close()
      throw error
    }
    return scene
  }

  close(): Promise<void> {
    return this.#plan.close()
  }

  /** Name of the node whose agent is asked. */
  get node(): string {
    return 'alpha'
  }

  async ask(method: string, path: string, options: AskOptions = {}): Promise<Reply> {
    const { body, token = this.operatorToken } = options
    const bytes = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const headers: Record<string, string> = {
      ...(token === '' ? {} : { 'X-Consul-Token': token }),
      ...(bytes === '' ? {} : { 'Content-Length': String(Buffer.byteLength(bytes)) }),
      ...options.headers,
    }
    return new Promise((resolve, reject) => {
      const target = { host: this.#plan.web.address, port: 8500, method, path, headers }
      const sent = request(target, (response) => {
        const pieces: Buffer[] = []
        const done = (): void => {
          const text = Buffer.concat(pieces).toString()
          const named = Object.entries(response.headers).map(
            ([name, value]) => [name, String(value)] as const,
          )
          resolve({
            status: response.statusCode ?? 0,
            headers: new Headers(named.map(([name, value]): [string, string] => [name, value])),
            text,
            get json(): unknown {
              return JSON.parse(text)
            },
          })
        }
        if (options.headOnly === true) {
          done()
          response.destroy()
          return
        }
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('end', done)
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(bytes)
    })
  }

  /** An answer that must be a success. */
  async must(method: string, path: string, options: AskOptions = {}): Promise<Reply> {
    const reply = await this.ask(method, path, options)
    if (reply.status !== 200) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`)
    return reply
  }

  /** With what the scene has made in the place of `@name`. */
  filled(text: string): string {
    return text.replace(/@(\w+)/g, (_, name: string) => this.made.get(name) ?? '')
  }

  get(path: string, options: AskOptions = {}): Promise<Reply> {
    return this.ask('GET', path, options)
  }

  async #furnish(): Promise<void> {
    const { mesh } = this.#plan
    const alpha = mesh.host('alpha')
    this.operatorToken = readFileSync(mesh.operatorTokenFile, 'utf8').trim()
    this.localToken = readFileSync(join(alpha.data, 'agent/local.token'), 'utf8').trim()
    await operate(this.#plan, ['intention', 'allow', 'web', 'backend'])
    for (const [key, value] of [
      ['app/on', 'yes'],
      ['app/sub/deep', 'no'],
    ])
      await this.must('PUT', `/v1/kv/${key}`, { body: value })
    await this.must('PUT', '/v1/catalog/register', {
      body: {
        Node: 'outside',
        Address: '192.0.2.9',
        NodeMeta: { rack: 'r9', external: 'yes' },
        Service: { ID: 'shop-1', Service: 'shop', Tags: ['v1', 'blue'], Meta: { team: 'x' }, Port: 80 },
        Check: { CheckID: 'service:shop-1', Name: 'by hand', Status: 'warning', ServiceID: 'shop-1' },
      },
    })
    await this.must('PUT', '/v1/catalog/register', {
      body: {
        Node: 'outside',
        Address: '192.0.2.9',
        Service: { ID: 'shop-2', Service: 'shop', Port: 81 },
        SkipNodeUpdate: true,
      },
    })
    await until('the services to be healthy', async () => {
      const lists = await Promise.all(
        ['web', 'backend'].map((name) => mesh.get(alpha, `/v1/health/connect/${name}?passing`)),
      )
      return lists.every((list) => Array.isArray(list) && list.length === 1) ? true : undefined
    })
    const session = await this.must('PUT', '/v1/session/create', {
      body: { Name: 'kept', Node: 'outside', NodeChecks: [] },
    })
    this.made.set('session', (session.json as { readonly ID: string }).ID)
    const intentions = (await this.must('GET', '/v1/connect/intentions')).json as readonly {
      readonly ID: string
    }[]
    this.made.set('intention', intentions[0]?.ID ?? '')
  }
}
