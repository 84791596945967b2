// What npm `consul`, a client that nobody here wrote, does with an agent: registers, watches, lists, beats, deregisters.
// The mesh comes from the caller: one in memory (consul-client.test.ts), or real processes.
import Consul from 'consul'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** A mesh that runs: an agent's HTTP address, and a token that may register services there. */
export interface RunningMesh {
  readonly host: string
  readonly port: number
  readonly token: string
  /** Writes to the key-value store need it. */
  readonly operatorToken: string
  readonly datacenter: string
  readonly nodeName: string
  close(): Promise<void>
}

type Entry = {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly ID: string; readonly Port: number; readonly Tags: readonly string[] }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string; readonly Output: string }[]
}

export function describeConsulClient(name: string, start: () => Promise<RunningMesh>): void {
  describe(`npm consul against ${name}`, () => {
    let mesh: RunningMesh
    let consul: InstanceType<typeof Consul>
    beforeAll(async () => {
      mesh = await start()
      consul = new Consul({ host: mesh.host, port: mesh.port, defaults: { token: mesh.token } })
    })
    afterAll(async () => {
      consul.destroy()
      await mesh.close()
    })

    /** The catalog follows the agent by itself, a moment later. */
    async function eventually<T>(ask: () => Promise<T>, enough: (value: T) => boolean): Promise<T> {
      const deadline = Date.now() + 15_000
      for (;;) {
        const value = await ask()
        if (enough(value)) return value
        if (Date.now() > deadline) throw new Error(`it did not come about: ${JSON.stringify(value)}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const entries = (service: string): Promise<Entry[]> =>
      consul.health.service({ service }) as Promise<Entry[]>
    const statusOf = (list: readonly Entry[], checkId: string): string | undefined =>
      list[0]?.Checks.find((check) => check.CheckID === checkId)?.Status

    test('learns who the agent is and who leads', async () => {
      const self = (await consul.agent.self()) as {
        Config: { Datacenter: string; NodeName: string; Version: string }
      }
      expect(self.Config).toMatchObject({ Datacenter: mesh.datacenter, NodeName: mesh.nodeName })
      expect(self.Config.Version).toMatch(/^1\.14\.0/)
      expect(await consul.status.leader()).toMatch(/^.+:\d+$/)
      expect(await consul.status.peers()).toContain(await consul.status.leader())
      expect(await consul.catalog.datacenters()).toContain(mesh.datacenter)
      const members = (await consul.agent.members({})) as { Name: string; Status: number }[]
      expect(members.find((member) => member.Name === mesh.nodeName)?.Status).toBe(1)
      expect((await consul.catalog.node.list({})) as unknown[]).not.toHaveLength(0)
    })

    test('registers a service with tags and a TTL check, and finds it in agent, catalog and health', async () => {
      await consul.agent.service.register({
        name: 'shop',
        id: 'shop-1',
        port: 8123,
        tags: ['blue', 'v2'],
        meta: { team: 'x' },
        check: { ttl: '60s', checkid: 'shop-beat', notes: 'beats' },
      } as never)
      const own = (await consul.agent.services()) as Record<string, { Service: string; Port: number }>
      expect(own['shop-1']).toMatchObject({ Service: 'shop', Port: 8123 })
      expect(await consul.agent.checks()).toHaveProperty('shop-beat')
      const [entry] = await eventually(
        () => entries('shop'),
        (list) => list.length === 1,
      )
      expect(entry).toMatchObject({
        Node: { Node: mesh.nodeName },
        Service: { ID: 'shop-1', Port: 8123, Tags: ['blue', 'v2'] },
      })
      expect(await consul.catalog.service.list()).toMatchObject({
        shop: expect.arrayContaining(['blue', 'v2']),
      })
      expect(await consul.catalog.service.nodes('shop')).toMatchObject([
        { ServiceID: 'shop-1', Node: mesh.nodeName },
      ])
      expect(await consul.health.checks('shop')).toMatchObject([
        { CheckID: 'shop-beat', ServiceName: 'shop' },
      ])
    })

    test('beats, and sees only passing instances when it asks for them', async () => {
      const passing = (): Promise<unknown[]> =>
        consul.health.service({ service: 'shop', passing: true }) as Promise<unknown[]>
      await eventually(
        () => entries('shop'),
        (list) => statusOf(list, 'shop-beat') === 'critical',
      )
      expect(await passing()).toHaveLength(0)
      await consul.agent.check.pass({ id: 'shop-beat', note: 'all well' })
      await eventually(passing, (list) => list.length === 1)
      await consul.agent.check.warn('shop-beat')
      await eventually(
        () => entries('shop'),
        (list) => statusOf(list, 'shop-beat') === 'warning',
      )
      await consul.agent.check.fail('shop-beat')
      await eventually(
        () => consul.health.state('critical') as Promise<{ CheckID: string }[]>,
        (checks) => checks.some((check) => check.CheckID === 'shop-beat'),
      )
      await consul.agent.check.pass('shop-beat')
      await eventually(passing, (list) => list.length === 1)
    })

    test('blocks on a watch and is woken by the change it waits for, not by others', async () => {
      const watch = consul.watch({
        method: consul.health.service,
        options: { service: 'shop', wait: '30s' } as never,
      })
      const seen: Entry[][] = []
      const errors: unknown[] = []
      watch.on('change', (data: Entry[]) => seen.push(data))
      watch.on('error', (error: unknown) => errors.push(error))
      try {
        await eventually(
          async () => seen.length,
          (count) => count >= 1,
        )
        await consul.agent.check.warn({ id: 'shop-beat', note: 'slow' })
        await eventually(
          async () => statusOf(seen.at(-1) ?? [], 'shop-beat'),
          (status) => status === 'warning',
        )
        await consul.agent.service.deregister('shop-1')
        await eventually(
          async () => seen.at(-1)?.length,
          (length) => length === 0,
        )
        expect(errors).toEqual([])
        // One per change at most, and none for nothing: a watch that spins shows up here.
        expect(seen.length).toBeLessThan(12)
      } finally {
        watch.end()
      }
    })

    test('finds nothing of a deregistered service, and is told when it deregisters it again', async () => {
      expect(await consul.agent.services()).not.toHaveProperty('shop-1')
      await eventually(
        () => entries('shop'),
        (list) => list.length === 0,
      )
      await expect(consul.agent.service.deregister('shop-1')).rejects.toThrow('not found')
    })

    test('registers a host that has no agent, selects by filter, tag and node, and takes it out again', async () => {
      const own = new Consul({ host: mesh.host, port: mesh.port, defaults: { token: mesh.operatorToken } })
      const { catalog, health } = own
      const body = {
        node: 'npm-ext',
        address: '192.0.2.77',
        nodemeta: { rack: 'npm:9' },
        service: {
          id: 'mail-1',
          service: 'npm-mail',
          port: 25,
          tags: ['smtp', 'old'],
          meta: { env: 'test' },
        },
        check: { checkid: 'mail-up', name: 'up', status: 'passing', serviceid: 'mail-1', notes: 'n' },
      }
      await catalog.register(body as never)
      const mail = (more: object): Promise<Entry[]> =>
        health.service({ service: 'npm-mail', ...more } as never) as unknown as Promise<Entry[]>
      await eventually(
        () => mail({ passing: true }),
        (list) => list.length === 1,
      )
      const found = async (more: object): Promise<number> => (await mail(more)).length
      expect(await found({ near: '_agent', tag: ['SMTP', 'old'], 'node-meta': ['rack:npm:9'] })).toBe(1)
      expect(await found({ filter: 'Service.Meta.env == test and Checks.Status == passing' })).toBe(1)
      expect(await found({ filter: 'Service.Port != 25 or "new" in Service.Tags' })).toBe(0)
      await expect(mail({ filter: 'Service.Prot == 25' })).rejects.toMatchObject({
        statusCode: 400,
        response: { body: expect.stringContaining('Selector "Service.Prot" is not valid') },
      })
      expect(await catalog.node.list({ filter: 'Address == "192.0.2.77"' } as never)).toMatchObject([
        { Node: 'npm-ext', Meta: { rack: 'npm:9' } },
      ])
      const services = await catalog.service.list({ filter: 'ServiceMeta.env == test' } as never)
      expect(services).toEqual({ 'npm-mail': expect.arrayContaining(['smtp', 'old']) })
      expect(await catalog.node.services('npm-ext')).toMatchObject({
        Node: { Node: 'npm-ext' },
        Services: { 'mail-1': { Service: 'npm-mail', Port: 25 } },
      })
      expect(await health.node('npm-ext')).toMatchObject([
        { CheckID: 'mail-up', Notes: 'n', Status: 'passing' },
      ])
      await catalog.deregister({ node: 'npm-ext' } as never)
      await eventually(
        () => mail({}),
        (list) => list.length === 0,
      )
      own.destroy()
    })

    test('keeps values under keys, lists them, and writes under conditions', async () => {
      const { kv } = new Consul({ host: mesh.host, port: mesh.port, defaults: { token: mesh.operatorToken } })
      const bytes = Buffer.from([0, 255, 10, 128])
      expect(await kv.get('npm/none')).toBeUndefined()
      expect(await kv.set('npm/a b/ü', 'text')).toBe(true)
      expect(await kv.set({ key: 'npm/bytes', value: bytes as never, flags: 42 })).toBe(true)
      expect(await kv.get('npm/a b/ü')).toMatchObject({ Key: 'npm/a b/ü', Value: 'text', Flags: 0 })
      const raw = (await kv.get({ key: 'npm/bytes', raw: true })) as unknown as Buffer
      expect(Buffer.compare(raw, bytes)).toBe(0)
      const large = 'x'.repeat(400_000)
      expect(await kv.set('npm-large', large)).toBe(true)
      // Again and again: the first call of a connection may travel another way than later ones.
      for (let i = 0; i < 3; i++) expect(await kv.get('npm-large')).toMatchObject({ Value: large })
      const all = (await kv.get({ key: 'npm/', recurse: true })) as { Key: string; Flags: number }[]
      expect(all.map(({ Key, Flags }) => [Key, Flags])).toEqual([
        ['npm/a b/ü', 0],
        ['npm/bytes', 42],
      ])
      expect(await kv.keys({ key: 'npm/', separator: '/' })).toEqual(['npm/a b/', 'npm/bytes'])
      const { ModifyIndex } = (await kv.get('npm/bytes')) as unknown as { ModifyIndex: string }
      // The client turns an answer of `false` into undefined.
      const cas = async (index: string): Promise<boolean> =>
        Boolean(await kv.set({ key: 'npm/bytes', value: 'new', cas: index } as never))
      expect(await cas('1')).toBe(false)
      expect(await cas(ModifyIndex)).toBe(true)
      expect(await cas(ModifyIndex)).toBe(false)
      const watch = consul.watch({
        method: consul.kv.get,
        options: { key: 'npm/', recurse: true, wait: '30s' } as never,
      })
      try {
        const seen: unknown[][] = []
        watch.on('change', (data: unknown[] | undefined) => seen.push(data ?? []))
        await eventually(
          async () => seen.at(-1)?.length,
          (length) => length === 2,
        )
        await kv.del('npm/a b/ü')
        await eventually(
          async () => seen.at(-1)?.length,
          (length) => length === 1,
        )
      } finally {
        watch.end()
      }
      await kv.del({ key: 'npm/', recurse: true })
      expect(await kv.get({ key: 'npm/', recurse: true })).toBeUndefined()
      await expect(consul.kv.set('npm/denied', 'x')).rejects.toMatchObject({ statusCode: 403 })
    })

    test('makes sessions and takes locks, which end with them', async () => {
      const own = new Consul({ host: mesh.host, port: mesh.port, defaults: { token: mesh.operatorToken } })
      const { kv, session } = own
      // Its node is a member once the servers have seen its agent.
      const create = (options: object): Promise<{ ID: string }> =>
        session.create({ node: mesh.nodeName, ttl: '30s', ...options } as never) as Promise<{ ID: string }>
      const first = await eventually(
        () => create({ name: 'first', lockdelay: '0s' }).catch(() => ({ ID: '' })),
        ({ ID }) => ID !== '',
      )
      const second = await create({ name: 'second', behavior: 'delete' })
      const take = async (ID: string): Promise<boolean> =>
        Boolean(await kv.set({ key: 'npm-lock', value: ID, acquire: ID } as never))
      expect([await take(first.ID), await take(second.ID)]).toEqual([true, false])
      expect(await kv.get('npm-lock')).toMatchObject({ Session: first.ID, LockIndex: 1, Value: first.ID })
      expect(await session.renew(first.ID)).toMatchObject([{ ID: first.ID, TTL: '30s' }])
      expect(await session.info(first.ID)).toMatchObject({ Name: 'first', Node: mesh.nodeName })
      const ids = (list: unknown): readonly string[] => (list as { ID: string }[]).map(({ ID }) => ID)
      expect(ids(await session.list())).toEqual(expect.arrayContaining([first.ID, second.ID]))
      expect(ids(await session.node(mesh.nodeName))).toEqual(expect.arrayContaining([first.ID, second.ID]))
      const watch = consul.watch({
        method: consul.kv.get,
        options: { key: 'npm-lock', wait: '30s' } as never,
      })
      try {
        const holders: unknown[] = []
        watch.on('change', (row: { Session?: string } | undefined) => holders.push(row?.Session))
        await eventually(
          async () => holders.length,
          (length) => length === 1,
        )
        await session.destroy(first.ID)
        await eventually(
          async () => holders.length,
          (length) => length === 2,
        )
        expect(holders).toEqual([first.ID, undefined])
      } finally {
        watch.end()
      }
      expect(await take(second.ID)).toBe(true)
      await session.destroy(second.ID)
      expect(await kv.get('npm-lock'), 'behaviour delete').toBeUndefined()
      await expect(session.renew(first.ID)).rejects.toMatchObject({ statusCode: 404 })
      await expect(consul.session.create({} as never)).rejects.toMatchObject({ statusCode: 403 })
      own.destroy()
    })

    test('writes several keys at once or none of them', async () => {
      const own = new Consul({ host: mesh.host, port: mesh.port, defaults: { token: mesh.operatorToken } })
      const { kv, transaction } = own
      const set = (Key: string, text: string) => ({
        KV: { Verb: 'set', Key, Value: Buffer.from(text).toString('base64') },
      })
      const done = await transaction.create([set('npm-txn/a', '1'), set('npm-txn/b', '2')] as never)
      expect(done).toMatchObject({ Results: [{ KV: { Key: 'npm-txn/a' } }, { KV: { Key: 'npm-txn/b' } }] })
      const stale = { KV: { Verb: 'cas', Key: 'npm-txn/b', Value: '', Index: 1 } }
      await expect(transaction.create([set('npm-txn/a', '3'), stale] as never)).rejects.toMatchObject({
        statusCode: 409,
      })
      expect(await kv.get('npm-txn/a')).toMatchObject({ Value: '1' })
      const read = { KV: { Verb: 'get-tree', Key: 'npm-txn/' } }
      expect(((await transaction.create([read] as never)) as { Results: unknown[] }).Results).toHaveLength(2)
      await kv.del({ key: 'npm-txn/', recurse: true })
      own.destroy()
    })

    test('is refused in words when it has no token', async () => {
      const stranger = new Consul({ host: mesh.host, port: mesh.port })
      try {
        await expect(stranger.agent.service.register('x')).rejects.toMatchObject({ statusCode: 403 })
      } finally {
        stranger.destroy()
      }
    })
  })
}
