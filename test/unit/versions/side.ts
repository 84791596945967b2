// What the tests beside this need of one release: loaded as it is, and once more as the next release would have it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { root } from '../../../packaging/bundle.ts'
import { nextVersions, otherVersions } from '../../../packaging/next-versions.ts'
import { versions } from '../../../src/model/versions.ts'

export type Side = typeof import('./release.ts')

/** The same sources with every version one higher, `releases` times. */
export async function laterRelease(releases: number): Promise<Side> {
  let given = versions
  for (let i = 0; i < releases; i += 1) given = nextVersions(given)
  return loadWith(given)
}

/** A release that has given up what the present one speaks. */
export function farRelease(): Promise<Side> {
  const { max } = versions.tunnel
  const beyond = (range: { readonly max: number }) => ({ min: range.max + 1, max: range.max + 2 })
  return loadWith({
    ...nextVersions(versions),
    control: beyond(versions.control),
    tunnel: { min: max + 1, max: max + 2 },
  })
}

async function loadWith(given: typeof versions): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-side-'))
  try {
    const outfile = join(folder, 'release.mjs')
    await build({
      absWorkingDir: root,
      entryPoints: ['test/unit/versions/release.ts'],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
      plugins: [otherVersions(root, given)],
    })
    return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Side
  } finally {
    rmSync(folder, { recursive: true })
  }
}
