// How long a deny takes: from the write to the last of 1,000 open connections cut, and to the last of 201 acknowledgements, with
// 200 agents in one process beside the two real hosts. No peer does this (Consul leaves open connections alone).
import { readFileSync } from 'node:fs'
import { Conversation } from '../../processes/client.ts'
import { EchoService } from '../../processes/echo.ts'
import { clusterOf, FakeAgents } from '../../processes/fake-agents.ts'
import { planMesh, ports, type TestMesh, until } from '../../processes/fixture.ts'
import { type BenchResult, median, round } from '../result.ts'

const rounds = 5
const agents = 200
const connections = 1_000

interface Round {
  readonly lastCutMs: number
  readonly enforcedMs: number
}

export async function bench(): Promise<BenchResult> {
  const test = planMesh()
  const service = await EchoService.listen(test.backend.address, ports.backend)
  let fakes: FakeAgents | undefined
  try {
    await test.mesh.start()
    fakes = await FakeAgents.connect(clusterOf(test.mesh), agents, 'backend')
    const runs: Round[] = []
    for (let i = 0; i < rounds; i++) {
      const run = await oneRound(test)
      runs.push(run)
      console.log(
        `round ${i + 1}: last of ${connections} connections cut after ${run.lastCutMs} ms, enforced on all ${agents + 1} proxies after ${run.enforcedMs} ms`,
      )
    }
    const ours = median(runs.map((run) => run.lastCutMs))
    return { bench: 'enforce', unit: 'ms to the last cut', ours, peer: null, ratio: null, runs }
  } finally {
    fakes?.close()
    await service.close()
    await test.close()
  }
}

async function oneRound(test: TestMesh): Promise<Round> {
  await decide(test, 'allow')
  const open = await openAll(test.web.address)
  const closed = open.map(
    (each) => new Promise<number>((resolve) => each.socket.once('close', () => resolve(performance.now()))),
  )
  const begunMs = performance.now()
  const index = await decide(test, 'deny')
  const enforced = enforcement(test, index)
  const cuts = await Promise.all(closed)
  return {
    lastCutMs: round(Math.max(...cuts) - begunMs, 1),
    enforcedMs: round((await enforced) - begunMs, 1),
  }
}

/** Writes the intention; the log index of the write. */
async function decide(test: TestMesh, action: 'allow' | 'deny'): Promise<number> {
  const response = await fetch(
    `${test.mesh.host('alpha').api}/v1/connect/intentions/exact?source=web&destination=backend`,
    {
      method: 'PUT',
      headers: { 'x-consul-token': readFileSync(test.mesh.operatorTokenFile, 'utf8').trim() },
      body: JSON.stringify({ Action: action }),
    },
  )
  if (!response.ok) throw new Error(await response.text())
  return Number(response.headers.get('x-mesh-index'))
}

interface Enforcement {
  readonly Enforced: number
  readonly Total: number
}

/** When every proxy had acknowledged, as the API tells it. */
async function enforcement(test: TestMesh, index: number): Promise<number> {
  const path = `/v1/mesh/enforcement/backend?index=${index}&wait=5s`
  await until('enforcement on every proxy', async () => {
    const told = (await test.mesh.get(test.mesh.host('alpha'), path)) as Enforcement | undefined
    return told !== undefined && told.Enforced === agents + 1 ? told : undefined
  })
  return performance.now()
}

async function openAll(address: string): Promise<readonly Conversation[]> {
  const open: Conversation[] = []
  const lane = async (): Promise<void> => {
    while (open.length < connections) {
      const conversation = await until('a connection', () => Conversation.open(address, ports.upstream))
      if (await conversation.echo('hello')) open.push(conversation)
    }
  }
  await Promise.all(Array.from({ length: 25 }, lane))
  return open
}
