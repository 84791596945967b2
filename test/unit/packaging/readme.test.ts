// What the README shows is what there is: its files are the examples, its host commands are found by the host tests, its
// links lead somewhere.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../packaging/bundle.ts'
import { readmeBlocks, readmeFiles } from '../../hosts/readme.ts'

test('the files it shows are the examples, to the letter', () => {
  const files = readmeFiles()
  expect([...files.keys()].sort()).toEqual([
    'config/examples/quickstart/backend.hcl',
    'config/examples/quickstart/web.hcl',
  ])
  for (const [path, text] of files) expect(text).toBe(readFileSync(join(root, path), 'utf8'))
})

test('its walk over three hosts takes at most five commands on each to get there', () => {
  const blocks = readmeBlocks()
  expect(blocks.map((block) => block.host)).toEqual(['vm1', 'vm3', 'vm2', 'vm1', 'vm2'])
  for (const host of ['vm1', 'vm2', 'vm3']) {
    const typed = blocks
      .filter((block) => block.host === host)
      .flatMap(({ commands }) => commands.trim().split('\n'))
    expect(typed.length, typed.join('\n')).toBeLessThanOrEqual(5)
    expect(
      typed.filter((line) => /&&|;|\|/.test(line)),
      'one command a line',
    ).toEqual([])
  }
})

test('its links lead to files of the repository', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const links = [...text.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1] ?? '')
  expect(links.length).toBeGreaterThan(5)
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
})

test('the files that the architecture page names are there', () => {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const paths = [...text.matchAll(/`((?:[a-z]+\/)+[a-z-]+\.ts)`/g)].map((match) => match[1] ?? '')
  expect(paths.length).toBeGreaterThan(30)
  const missing = paths.filter(
    (path) => !existsSync(join(root, 'src', path)) && !existsSync(join(root, path)),
  )
  expect(missing).toEqual([])
})
