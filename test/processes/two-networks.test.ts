// Two datacenters over a long way: every packet between them is late by 40 ms in each direction, and a cut drops all of them without
// a word. What a user of either side sees: members, reads and requests across, rules, a cut of the link, and its healing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from './fixture.ts'
import { type Answer, type Datacenter, TwoNetworks, whyNoTwoNetworks } from './two-networks.ts'

const delayMs = 40
const roundTripSeconds = (2 * delayMs) / 1_000
/** For what waits until silence is taken for absence, or absence is over. */
const patient = { timeoutMs: 90_000 }

const why = whyNoTwoNetworks()
if (why !== undefined) process.stderr.write(`two-networks: skipped, ${why}\n`)

describe.skipIf(why !== undefined)('two datacenters in networks of their own', { timeout: 180_000 }, () => {
  let both: TwoNetworks
  let dc1: Datacenter
  let dc2: Datacenter

  beforeAll(async () => {
    both = await TwoNetworks.make(delayMs)
    dc1 = both.dc1
    dc2 = both.dc2
    await both.start()
    await both.federate()
  }, 120_000)

  afterAll(async () => {
    await both?.close()
    expect(both?.link.inhabitants() ?? []).toEqual([])
  }, 60_000)

  const far = { status: 200, text: 'backend in dc2' }
  const comes = (what: string, ask: () => Promise<Answer>, expected: Partial<Answer>): Promise<Answer> =>
    until(
      what,
      async () => {
        const answer = await ask()
        expect(answer).toMatchObject(expected)
        return answer
      },
      patient,
    )
  const lists = (here: Datacenter, status: string): Promise<string> =>
    until(
      `${here.name} to list a member as ${status}`,
      async () => {
        const shown = await here.onHost('members', '-wan')
        const other = here === dc1 ? dc2 : dc1
        expect(shown).toMatch(member(other, status))
        return shown
      },
      patient,
    )

  test('a round trip between the networks takes at least the delay of both ways', async () => {
    expect(await dc1.connectSeconds(dc2.serverAddress, 8_300)).toBeGreaterThanOrEqual(roundTripSeconds)
    expect(await dc2.connectSeconds(dc1.serverAddress, 8_300)).toBeGreaterThanOrEqual(roundTripSeconds)
  })

  test('`mesh members -wan` lists the servers of both as alive, on either side', async () => {
    expect(await lists(dc1, 'alive')).toMatch(member(dc1, 'alive'))
    expect(await lists(dc2, 'alive')).toMatch(member(dc2, 'alive'))
  })

  test('`?dc=dc2` reads the catalog of the far datacenter over the link', async () => {
    const answer = await dc1.api('/v1/catalog/service/backend?dc=dc2')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject([{ Node: 'host-dc2', Datacenter: 'dc2' }])
    expect(answer.seconds).toBeGreaterThanOrEqual(roundTripSeconds)
  })

  test('a request from web in dc1 reaches backend in dc2 only once an intention allows it', async () => {
    expect((await dc1.callFar()).status).toBe(0)
    expect(await dc2.served()).toBe(0)
    await dc1.onHost('intention', 'allow', 'web', 'backend')
    const answer = await comes('web in dc1 to reach backend in dc2', dc1.callFar, far)
    expect(answer.seconds).toBeGreaterThanOrEqual(roundTripSeconds)
    expect(await dc2.served()).toBe(1)
  })

  test('denied by an intention, it does not reach the backend; allowed again, it does', async () => {
    await dc1.onHost('intention', 'deny', 'web', 'backend')
    await comes('the denial to hold in dc2', dc1.callFar, { status: 0 })
    const served = await dc2.served()
    expect((await dc1.callFar()).status).toBe(0)
    expect(await dc2.served()).toBe(served)
    await dc1.onHost('intention', 'allow', 'web', 'backend')
    await comes('web to reach backend again', dc1.callFar, far)
  })

  test('while the link is cut, what was allowed stays so on both sides, and nothing crosses', async () => {
    await both.link.cut()
    const served = await dc2.served()
    expect((await dc1.callFar()).status).toBe(0)
    expect(await dc2.served()).toBe(served)
    await unreachable(dc1, dc2)
    await unreachable(dc2, dc1)
    await goesOn(dc1)
    await goesOn(dc2)
    await expect(dc2.onHost('intention', 'deny', 'web', 'backend')).rejects.toThrow(/No path to datacenter/)
    expect(await dc1.callNear()).toMatchObject({ status: 200, text: 'backend in dc1' })
    expect(await dc2.callNear()).toMatchObject({ status: 200, text: 'backend in dc2' })
    await Promise.all([lists(dc1, 'failed'), lists(dc2, 'failed')])
  })

  test('a rule of the primary is held there at once, and in dc2 once the link is healed', async () => {
    await dc1.onHost('intention', 'deny', 'web', 'backend')
    await comes('the denial to hold in dc1', dc1.callNear, { status: 0 })
    expect(await dc2.callNear()).toMatchObject({ status: 200, text: 'backend in dc2' })
    await both.link.heal()
    await comes('the denial to hold in dc2', dc2.callNear, { status: 0 })
    await readable(dc1, dc2)
    await readable(dc2, dc1)
    const served = await dc2.served()
    expect((await dc1.callFar()).status).toBe(0)
    expect(await dc2.served()).toBe(served)
    await Promise.all([lists(dc1, 'alive'), lists(dc2, 'alive')])
  })

  test('what was denied stays so over a second cut; healed and allowed, requests cross again', async () => {
    await both.link.cut()
    await unreachable(dc1, dc2)
    expect((await dc1.callNear()).status).toBe(0)
    expect((await dc2.callNear()).status).toBe(0)
    await both.link.heal()
    await readable(dc1, dc2)
    expect((await dc1.callFar()).status).toBe(0)
    await dc1.onHost('intention', 'allow', 'web', 'backend')
    const answer = await comes('web in dc1 to reach backend in dc2', dc1.callFar, far)
    expect(answer.seconds).toBeGreaterThanOrEqual(roundTripSeconds)
    await comes('web in dc2 to reach backend in dc1', dc2.callFar, { status: 200, text: 'backend in dc1' })
  })

  const nodesOf = (here: Datacenter, there: Datacenter) => (): Promise<Answer> =>
    here.api(`/v1/catalog/nodes?dc=${there.name}`)
  const readable = (here: Datacenter, there: Datacenter): Promise<Answer> =>
    comes(`${here.name} to read in ${there.name} again`, nodesOf(here, there), { status: 200 })

  // The first read after a cut has to end by itself, and with these words.
  async function unreachable(here: Datacenter, there: Datacenter): Promise<void> {
    const answer = await nodesOf(here, there)()
    expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('No path to datacenter') })
  }
})

/** What a datacenter does by itself: a write, a read, its own catalog. */
async function goesOn(datacenter: Datacenter): Promise<void> {
  await datacenter.onHost('kv', 'put', 'during-the-cut', datacenter.name)
  expect(await datacenter.api('/v1/kv/during-the-cut?raw')).toMatchObject({
    status: 200,
    text: datacenter.name,
  })
  expect((await datacenter.api('/v1/health/service/backend?passing')).text).toContain(
    `host-${datacenter.name}`,
  )
}

const member = ({ name }: Datacenter, status: string): RegExp =>
  new RegExp(`^server-1\\.${name}\\s+\\S+\\s+${status}\\s+server\\s+${name}\\b`, 'm')
