/**
 * The versions of the release after this one, as far as anybody can know them today: every number one higher, everything
 * of this release still understood. A package with them stands in for that release where upgrades are tried; nothing of it
 * is in the sources of the program. The rules are in src/model/versions.ts.
 */
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import type { VersionRange, versions } from '../src/model/versions.ts'

export function nextVersions(now: typeof versions): typeof versions {
  const { featureLevel, store, control, proxyLink, tunnel } = now
  const newest = Math.max(...store.map(({ version }) => version))
  return {
    featureLevel: raised(featureLevel),
    // Written once all servers are of that release, as every change of the form will be.
    store: [...store, { version: newest + 1, sinceLevel: featureLevel.max + 1 }],
    control: raised(control),
    proxyLink: raised(proxyLink),
    tunnel: raised(tunnel),
  }
}

const raised = ({ min, max }: VersionRange): VersionRange => ({ min, max: max + 1 })

/** Puts `given` in the place of the versions that the sources below `root` name. */
export function otherVersions(root: string, given: typeof versions): Plugin {
  return {
    name: 'other-versions',
    setup: (builder) => {
      builder.onLoad({ filter: /\/model\/versions\.ts$/ }, ({ path }) =>
        path === join(root, 'src/model/versions.ts')
          ? { contents: `export const versions = ${JSON.stringify(given)}`, loader: 'js' }
          : null,
      )
    },
  }
}
