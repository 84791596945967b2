// `mesh doctor` and `mesh status` beside real programs: nothing is found while all is well, and what is stopped is named.
import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entry, operate, planMesh, until } from './fixture.ts'

const plan = planMesh()
const { mesh } = plan
const alpha = mesh.host('alpha')

beforeAll(() => mesh.start(), 180_000)
afterAll(() => plan.close())

interface Report {
  readonly Lines: readonly { readonly Mark: string; readonly Code: string; readonly Text: string }[]
}

/** Codes of what is amiss on host alpha. Exit status 1 is an answer as well. */
async function found(): Promise<readonly string[]> {
  const words = [entry, 'doctor', '-config-dir', alpha.configuration, '-format', 'json']
  const env = { ...process.env, ...mesh.hostEnvironment(alpha) }
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, words, { env }, (_error, stdout) => resolve(stdout))
  })
  const { Lines } = JSON.parse(said) as Report
  return Lines.filter(({ Code }) => Code !== '').map(({ Code }) => Code)
}

test('the page of a host shows its service, its upstream and the server', async () => {
  await until(
    'alpha to follow the server',
    async () => (await operate(plan, ['status'])).includes('follows server') || undefined,
  )
  const page = await operate(plan, ['status'])
  expect(page).toMatch(/^alpha \(127\./)
  expect(page).toMatch(/\nweb +8080 /)
  expect(page).toMatch(/\nbackend +web +127\..*:9191 /)
  expect(page).toMatch(/leader/)
})

test('programs that run are not reported, services that nobody serves are', async () => {
  // Nothing listens on web's port, there is no intention, and this mesh has no agent beside its server.
  await until('the proxy to be connected', async () => !(await found()).includes('proxy-away') || undefined)
  expect(await found()).toEqual(['gossip-refuses', 'rules-none', 'service-unheard'])
})

test('a proxy and then a server that are stopped are named', async () => {
  await alpha.proxy.stop()
  await until('the agent to notice', async () => (await found()).includes('proxy-away') || undefined)
  await mesh.server.stop()
  expect(await found()).toContain('server-refuses')
})
