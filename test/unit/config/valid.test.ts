// Files in the styles that Consul's users write: every one must load, and means what the golden file says.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatConfigError } from '../../../src/config/format.ts'
import { loadConfiguration } from '../../../src/config/load.ts'
import { machine } from './machine.ts'

const folder = join(import.meta.dirname, 'valid')

test.each(readdirSync(folder).sort())('%s loads and means what the golden file says', async (name) => {
  const loaded = loadConfiguration([{ path: name, text: readFileSync(join(folder, name), 'utf8') }], machine)
  expect(loaded.ok ? [] : loaded.errors.map(formatConfigError)).toEqual([])
  if (!loaded.ok) return
  await expect(`${JSON.stringify(loaded.value, null, 2)}\n`).toMatchFileSnapshot(`golden/${name}.meaning.txt`)
})

test('the files of a folder load together', () => {
  const files = readdirSync(folder).map((name) => ({
    path: `/etc/mesh-agent/${name}`,
    text: readFileSync(join(folder, name), 'utf8'),
  }))
  const loaded = loadConfiguration(files, machine)
  expect(loaded.ok ? [] : loaded.errors.map(formatConfigError)).toEqual([])
  expect(loaded.ok && loaded.value.definitions.services.map(({ service }) => service.id)).toEqual([
    'billing',
    'one-line',
    'legacy-proxy',
    'legacy-1',
    'speaks-mtls',
    'api-1',
    'shop-1',
    'shop-2',
  ])
  expect(loaded.ok && loaded.value.definitions.checks.map(({ checkId }) => checkId)).toEqual([
    'disk',
    'shop-extra',
  ])
})
