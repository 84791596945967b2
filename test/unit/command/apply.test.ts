// `mesh apply`: the plan says what would happen, and pruning removes what apply itself wrote and nothing else.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { operatorToken } from '../api/fake-cluster.ts'
import { startTestApi, type TestApi } from '../api/fixture.ts'
import { type Run, runMesh } from './mesh-process.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-apply-'))
  api.cluster.intentions.clear()
  api.cluster.entries.clear()
  return () => rmSync(folder, { recursive: true, force: true })
})

const apply = (...args: string[]): Promise<Run> =>
  runMesh(['apply', ...args], { env: { MESH_HTTP_ADDR: api.url, MESH_TOKEN: operatorToken } })
const intention = (source: string, destination: string, action: string, more = ''): string =>
  `intention {\n  source_name = "${source}"\n  destination_name = "${destination}"\n  action = "${action}"\n${more}}\n`
const entry = (name: string, action: string): string =>
  `kind = "service-intentions"\nname = "${name}"\nsources = [{ name = "web", action = "${action}" }, { name = "*", action = "deny" }]\n`
const write = (name: string, text: string): void => {
  mkdirSync(join(folder, 'rules'), { recursive: true })
  writeFileSync(join(folder, 'rules', name), text)
}
const rules = (): string => join(folder, 'rules')
const pairs = (): string[] => [...api.cluster.intentions.keys()].sort()
const byHand = (source: string, destination: string): void => {
  api.cluster.write(
    {
      command: {
        type: 'intention.upsert',
        id: '00000000-0000-4000-8000-000000000009',
        sourceName: source,
        destinationName: destination,
        action: 'allow',
        description: '',
        meta: {},
      },
      token: operatorToken,
    },
    () => undefined,
  )
}

test('a plan shows each difference, writes nothing, and ends with 2 until there is nothing to do', async () => {
  write('a.hcl', intention('cart', 'pay', 'allow'))
  write('b.hcl', entry('stock', 'deny'))
  const first = await apply('-f', rules(), '-plan')
  expect([first.status, first.out]).toEqual([
    2,
    '+ intention cart => pay (allow)\n+ service-intentions stock\nPlan: 2 to create, 0 to change, 0 to delete, 0 unchanged\n',
  ])
  expect([pairs(), api.cluster.entries.size]).toEqual([[], 0])
  expect((await apply('-f', rules())).status).toBe(0)
  const settled = await apply('-f', rules(), '-plan', '-prune')
  expect([settled.status, settled.out]).toEqual([
    0,
    'Plan: 0 to create, 0 to change, 0 to delete, 2 unchanged\n',
  ])
  write('a.hcl', intention('cart', 'pay', 'deny', '  description = "closed"\n  meta { ticket = "7" }\n'))
  write('b.hcl', entry('stock', 'allow'))
  const changed = await apply('-f', rules(), '-plan')
  expect([changed.status, changed.out]).toEqual([
    2,
    `~ intention cart => pay (deny)
    action: allow -> deny
    description: none -> closed
    meta ticket: none -> 7
~ service-intentions stock
    source web: deny -> allow
Plan: 0 to create, 2 to change, 0 to delete, 0 unchanged
`,
  ])
  const json = JSON.parse((await apply('-f', rules(), '-plan', '-o', 'json')).out)
  expect(json).toMatchObject([
    { effect: 'changed', differences: [{ field: 'action', before: 'allow', after: 'deny' }, {}, {}] },
    { what: 'service-intentions stock', effect: 'changed' },
  ])
})

test('prune deletes what apply wrote and the files no longer have, and leaves what is not its own', async () => {
  write('a.hcl', intention('cart', 'pay', 'allow') + intention('shop', 'pay', 'allow'))
  write('b.hcl', entry('stock', 'deny'))
  write('c.hcl', entry('till', 'deny'))
  await apply('-f', rules())
  await apply('-f', rules(), '-owner', 'other-team')
  await apply('-f', rules())
  byHand('hand', 'made')
  write('a.hcl', intention('cart', 'pay', 'allow'))
  rmSync(join(rules(), 'c.hcl'))
  const without = await apply('-f', rules())
  expect(without.out).toBe('unchanged  intention cart => pay (allow)\nunchanged  service-intentions stock\n')
  const foreign = await apply('-f', rules(), '-prune', '-owner', 'nobody', '-plan')
  expect(foreign.out).not.toContain('- ')
  const plan = await apply('-f', rules(), '-prune', '-plan')
  expect([plan.status, plan.out]).toEqual([
    2,
    '- intention shop => pay (allow)\n- service-intentions till\nPlan: 0 to create, 0 to change, 2 to delete, 2 unchanged\n',
  ])
  expect(pairs()).toEqual(['cart/pay', 'hand/made', 'shop/pay'])
  const done = await apply('-f', rules(), '-prune')
  expect([done.status, done.out]).toEqual([
    0,
    `unchanged  intention cart => pay (allow)
unchanged  service-intentions stock
deleted    intention shop => pay (allow)
deleted    service-intentions till
`,
  ])
  expect(pairs()).toEqual(['cart/pay', 'hand/made'])
  expect([...api.cluster.entries.keys()]).toEqual(['service-intentions/stock'])
})

test('an owner is a name', async () => {
  write('a.hcl', intention('cart', 'pay', 'allow'))
  const run = await apply('-f', rules(), '-owner', 'a b')
  expect([run.status, run.err]).toEqual([
    2,
    'mesh: -owner a b: use letters, digits, - and _, at most 64\nTry: mesh apply -help\n',
  ])
})
