// A deny under traffic: who says it is enforced, what becomes of open connections, and what the service sees after.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attempt, Conversation } from './client.ts'
import { EchoService } from './echo.ts'
import { clusterOf, FakeAgents } from './fake-agents.ts'
import { operate, planMesh, ports, until } from './fixture.ts'

const agents = 200
const open = 1_000

const mesh = planMesh()
let service: EchoService
let fakes: FakeAgents

beforeAll(async () => {
  service = await EchoService.listen(mesh.backend.address, ports.backend)
  await mesh.mesh.start()
  fakes = await FakeAgents.connect(clusterOf(mesh.mesh), agents, 'backend')
}, 60_000)

afterAll(async () => {
  fakes?.close()
  await service?.close()
  await mesh.close()
})

async function inParallel<Value>(count: number, width: number, work: () => Promise<Value>): Promise<Value[]> {
  const results: Value[] = []
  let left = count
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      results.push(await work())
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return results
}

const call = (): ReturnType<typeof attempt> => attempt(mesh.web.address, ports.upstream, 'hello')

test('allow lets through; deny is told by every proxy, cuts what is open, lets no byte through; allow restores', async () => {
  expect(await operate(mesh, ['intention', 'allow', 'web', 'backend'])).toContain(
    `on ${agents + 1} of ${agents + 1} proxies`,
  )
  await until('web to reach backend', async () => ((await call()).kind === 'echoed' ? true : undefined))

  const conversations = await inParallel(open, 50, async () => {
    const conversation = await Conversation.open(mesh.web.address, ports.upstream)
    expect(await conversation?.echo('are you there?')).toBe(true)
    return conversation
  })
  expect(conversations.filter((each) => each !== undefined && !each.closed)).toHaveLength(open)

  const said = await operate(mesh, ['intention', 'deny', 'web', 'backend'])
  expect(said).toMatch(new RegExp(`enforced at index \\d+ on ${agents + 1} of ${agents + 1} proxies`))
  await until('every open connection to be cut', () =>
    conversations.every((each) => each?.closed === true) ? true : undefined,
  )
  await until('the service to see them all end', () => (service.open.size === 0 ? true : undefined))

  service.resetCounts()
  const outcomes = await inParallel(1_000, 20, call)
  expect(outcomes.filter(({ kind }) => kind === 'cut')).toHaveLength(1_000)
  expect(service).toMatchObject({ connections: 0, bytes: 0 })

  await operate(mesh, ['intention', 'allow', 'web', 'backend'])
  expect(await call()).toEqual({ kind: 'echoed' })
})
