// What is generated from mesh.proto is checked in; this proves that it is what the generator makes now.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

function filesBelow(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ts|json)$/.test(name),
  )
  return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

test('types and description are those of mesh.proto; otherwise run packaging/generate-rpc.ts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-generated-'))
  try {
    execFileSync(process.execPath, [join(root, 'packaging/generate-rpc.ts'), folder])
    const made = filesBelow(folder)
    const kept = new Map([
      ...[...filesBelow(join(root, 'src/rpc/generated'))].map(
        ([name, text]) => [`generated/${name}`, text] as const,
      ),
      ['mesh.json', readFileSync(join(root, 'src/rpc/mesh.json'), 'utf8')],
    ])
    expect([...kept.keys()].sort()).toEqual([...made.keys()].sort())
    for (const [name, text] of made) expect(kept.get(name), name).toBe(text)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
