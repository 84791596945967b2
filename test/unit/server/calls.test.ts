// Who gets the answer to a call that took long: only who may still ask when it comes.
import { expect, test } from 'vitest'
import type { Result } from '../../../src/model/errors.ts'
import type { QueryName, ReadAnswer } from '../../../src/model/query.ts'
import type { Peer, Reply } from '../../../src/rpc/contract.ts'
import { type CallRooms, createCalls } from '../../../src/server/calls.ts'
import { generateKey } from '../../../src/wire/x509/keys.ts'
import { createCertificateRequest } from '../../../src/wire/x509/request.ts'
import { VirtualClock } from '../../simulation/clock.ts'
import { type Cluster, makeCluster, peerWith } from '../ca/cluster.ts'

const unused = undefined as never
const meta = { index: 7, knownLeader: true, lastContactMs: 0, effective: 'leader' } as const

/** A server whose reads are answered when the test says so. */
class Stage {
  readonly cluster: Cluster = makeCluster({ clock: new VirtualClock() })
  readonly peer: Peer = this.#enrolled()
  readonly waiting: Reply<ReadAnswer<QueryName>>[] = []
  readonly #calls = createCalls({
    access: this.cluster.access,
    catchingUp: { try: (run: (reply: unknown) => void, reply: unknown) => run(reply) } as never,
    reader: {
      read: (_request: unknown, reply: Reply<ReadAnswer<QueryName>>) => {
        this.waiting.push(reply)
        return { cancel: () => undefined }
      },
    } as never,
    federation: { isElsewhere: () => false } as never,
    forwarding: unused,
    hub: unused,
    hosts: unused,
    leaves: unused,
    servers: unused,
    federating: unused,
  } satisfies CallRooms)

  #enrolled(): Peer {
    let pem = ''
    const { secret } = this.cluster.makeToken()
    const csr = createCertificateRequest(generateKey())
    const nodeId = '0f0f0f0f-0000-4000-8000-000000000001'
    this.cluster.hosts.enroll(
      { certificates: [], address: '' },
      { secret, node: 'h1', nodeId, csr },
      (answer) => {
        if (answer.ok) pem = answer.value.certificatePem
      },
    )
    return peerWith(pem)
  }

  read(waitMs: number): { readonly result: () => Result<unknown> | undefined } {
    let result: Result<unknown> | undefined
    const options = { consistency: 'default', minIndex: waitMs === 0 ? 0 : 6, waitMs } as const
    this.#calls.read(this.peer, { name: 'status.leader', args: {}, options, token: '' }, (answer) => {
      result = answer
    })
    return { result: () => result }
  }

  evict(): void {
    const host = this.cluster.state.hosts.get('h1')
    if (host === undefined) throw new Error('not enrolled')
    this.cluster.state.hosts.set('h1', { ...host, evicted: true })
  }

  answerAll(): void {
    for (const reply of this.waiting.splice(0)) reply({ ok: true, value: { meta, answer: 'a:8300' } })
  }
}

test('a read that waited is answered to a host that is still one', () => {
  const stage = new Stage()
  const read = stage.read(60_000)
  stage.answerAll()
  expect(read.result()).toMatchObject({ ok: true, value: { answer: 'a:8300' } })
})

test('a read that a host left waiting is refused once the host was evicted, and so is its next one', () => {
  const stage = new Stage()
  const read = stage.read(60_000)
  stage.evict()
  expect(read.result()).toBeUndefined()
  stage.answerAll()
  expect(read.result()).toMatchObject({ ok: false, failure: { code: 'host-evicted' } })
  expect(stage.read(0).result()).toMatchObject({ ok: false, failure: { code: 'host-evicted' } })
})
