// Another root for the certificates of services, through a real server, two agents and their proxies, while connections are
// made: the command says which proxies trust it before anything is signed by it, and no connection fails on the whole way.
import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { colonHex } from '../../src/wire/x509/certificate.ts'
import { readCertificateFacts } from '../../src/wire/x509/certificate-facts.ts'
import { decodeCertificatePems } from '../../src/wire/x509/pem.ts'
import { attempt, Conversation } from './client.ts'
import { operate, planMesh, ports, until } from './fixture.ts'
import { leafOf } from './leaf-request.ts'

const plan = planMesh()
const { mesh } = plan
let service: net.Server

interface Root {
  readonly ID: string
  readonly SigningKeyID: string
  readonly Active: boolean
}

beforeAll(async () => {
  service = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => {
    service.listen(ports.backend, plan.backend.address, resolve)
  })
  await mesh.start()
  await operate(plan, ['intention', 'allow', 'web', 'backend'])
  await until('the first connection through the mesh', async () => (await reaches()) || undefined)
}, 60_000)

afterAll(async () => {
  service?.close()
  await plan.close()
})

const reaches = async (): Promise<boolean> =>
  (await attempt(plan.web.address, ports.upstream, 'hello')).kind === 'echoed'

const rootsOf = async (): Promise<readonly Root[]> =>
  ((await mesh.get(mesh.host('alpha'), '/v1/connect/ca/roots')) as { readonly Roots: readonly Root[] }).Roots

/** Key id of the root that signed the leaf which the host's agent has now. */
async function signerAt(host: 'alpha' | 'beta', name: string): Promise<string> {
  const [der] = decodeCertificatePems((await leafOf(mesh.host(host), name)).CertPEM)
  const facts = der === undefined ? undefined : readCertificateFacts(der)
  return colonHex(facts?.authorityKeyId ?? new Uint8Array())
}

/** 50 connections a second until `stop`; how many went through, and how many did not. */
function load(): { stop(): Promise<{ readonly whole: number; readonly failed: number }> } {
  const counts = { whole: 0, failed: 0 }
  const open = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const one = reaches().then((isWhole) => {
      counts[isWhole ? 'whole' : 'failed'] += 1
      open.delete(one)
    })
    open.add(one)
  }, 20)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      return counts
    },
  }
}

test('a root is replaced under load: acknowledged before it signs, and no connection fails', async () => {
  const [old] = await rootsOf()
  const running = load()
  const long = await Conversation.open(plan.web.address, ports.upstream)
  const said = await operate(plan, ['ca', 'rotate'])
  const told = ['is trusted from index', 'acknowledged by 2 of 2 proxies', 'signs from now on'].map((words) =>
    said.indexOf(words),
  )
  expect(told[0]).toBeGreaterThan(0)
  expect(told).toEqual([...told].sort((a, b) => a - b))
  const [active, retired] = await rootsOf()
  expect([active?.Active, retired?.Active, retired?.ID]).toEqual([true, false, old?.ID])
  const renewed = async (): Promise<true | undefined> => {
    const signers = [await signerAt('alpha', 'web'), await signerAt('beta', 'backend')]
    return signers.every((signer) => signer === active?.SigningKeyID) ? true : undefined
  }
  await until('leaves of the new root on both hosts', renewed, { timeoutMs: 60_000 })
  // What stands on the old root goes on, and its leaves may be valid still.
  expect(await long?.echo('still here')).toBe(true)
  await expect(operate(plan, ['ca', 'remove', old?.ID.slice(0, 11) ?? ''])).rejects.toThrow(
    /may still be valid/,
  )
  expect(await reaches()).toBe(true)
  const { whole, failed } = await running.stop()
  expect([failed, whole > 100]).toEqual([0, true])
  await operate(plan, ['ca', 'remove', old?.ID ?? '', '-force'])
  expect((await rootsOf()).map(({ ID }) => ID)).toEqual([active?.ID])
  await until('the end of what only the old root proved', () => (long?.closed === true ? true : undefined))
  expect(await reaches()).toBe(true)
}, 120_000)

test('a proxy that does not answer holds the rotation up, by name; nothing signs until it does', async () => {
  const [before] = await rootsOf()
  await mesh.host('beta').proxy.stop()
  await expect(operate(plan, ['ca', 'rotate', '-wait', '1s'])).rejects.toThrow(/new root: beta/)
  const waiting = (await rootsOf()).find(({ Active }) => !Active)
  expect((await rootsOf()).find(({ Active }) => Active)?.ID).toBe(before?.ID)
  mesh.host('beta').proxy.start()
  await until('a way through', async () => (await reaches()) || undefined, { timeoutMs: 60_000 })
  // Again: it goes on with the root that was made.
  await operate(plan, ['ca', 'rotate'])
  expect((await rootsOf()).find(({ Active }) => Active)?.ID).toBe(waiting?.ID)
}, 120_000)
