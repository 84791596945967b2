// Every refusal and failure that a user can meet has a code of a catalogue, with what happened and what to do about it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorsPage } from '../../packaging/errors-page.ts'
import { dnsRefusalCatalogue } from '../../src/model/dns-refusal.ts'
import { errorCatalogue } from '../../src/model/errors.ts'
import { findingCatalogue } from '../../src/model/finding.ts'
import { refusalCatalogue } from '../../src/model/refusal.ts'
import { lineAt, readSources, root, walk } from './sources.ts'

const sources = readSources()
const catalogues = [errorCatalogue, refusalCatalogue, dnsRefusalCatalogue, findingCatalogue]
const known = new Set(catalogues.flatMap((catalogue) => Object.keys(catalogue)))
const isCatalogue = (path: string): boolean => /^model\/(errors|refusal|dns-refusal|finding)\.ts$/.test(path)

interface Literal {
  readonly at: string
  readonly text: string
}

/** Texts of the source: string literals, and the pieces of templates. */
function literals(): readonly Literal[] {
  const found: Literal[] = []
  for (const file of sources) {
    if (isCatalogue(file.path)) continue
    walk(file.program, (node) => {
      const cooked = (node['value'] as { readonly cooked?: unknown } | null)?.cooked
      const text = node.type === 'TemplateElement' ? cooked : node['value']
      if ((node.type === 'Literal' || node.type === 'TemplateElement') && typeof text === 'string')
        found.push({ at: `src/${file.path}:${lineAt(file.text, node.start ?? 0)}`, text })
    })
  }
  return found
}

const texts = literals()

test('a code at the end of a sentence is one that `mesh explain` knows', () => {
  const named = texts.flatMap(({ at, text }) => {
    const code = /[^ ] \(([a-z]+(?:-[a-z]+)+)\)$/.exec(text)?.[1]
    return code === undefined ? [] : [{ at, code }]
  })
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(({ code }) => !known.has(code))).toEqual([])
})

test('a code in a log line or a failure is one that `mesh explain` knows', () => {
  const bad: string[] = []
  for (const file of sources) {
    // Codes of the disk port are translated before anybody sees them.
    if (file.path.startsWith('platform/')) continue
    walk(file.program, (node) => {
      const key = node['key'] as { readonly name?: string } | undefined
      const value = node['value'] as { readonly type?: string; readonly value?: unknown } | undefined
      if (node.type !== 'Property' || key?.name !== 'code' || value?.type !== 'Literal') return
      if (typeof value.value === 'string' && !known.has(value.value))
        bad.push(`src/${file.path}:${lineAt(file.text, node.start ?? 0)} ${value.value}`)
    })
  }
  expect(bad).toEqual([])
})

test('every code is used', () => {
  const used = new Set(texts.flatMap(({ text }) => [text, /\(([a-z-]+)\)$/.exec(text)?.[1] ?? '']))
  expect([...known].filter((code) => !used.has(code))).toEqual([])
})

test('every code says in whole sentences what happened and what to do', () => {
  for (const [code, { what, remedy }] of catalogues.flatMap((catalogue) => Object.entries(catalogue))) {
    expect([code, what]).toEqual([code, expect.stringMatching(/^[A-Z].{8,}\.$/)])
    expect([code, remedy]).toEqual([code, expect.stringMatching(/^[A-Z`].{8,}\.$/)])
    expect(remedy).not.toBe(what)
  }
})

test('the page of codes is what the catalogues say; otherwise run packaging/generate-errors.ts', () => {
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorsPage())
})
