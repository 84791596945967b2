/**
 * The formats of what the programs keep on a host, by name: the package carries the list, so that an older one can see that
 * it could not read what a newer one wrote. Each number is the program's own; what it means stands where it is defined.
 */
import { savedVersion as viewsVersion } from '../../src/agent/control/saved-views.ts'
import { savedVersion as registryVersion } from '../../src/agent/registry/saved-file.ts'
import type { versions } from '../../src/model/versions.ts'
import { lastGoodVersion } from '../../src/proxy/worker/last-good.ts'
import { segmentFormat } from '../../src/server/consensus/segment.ts'
import { snapshotFormat } from '../../src/server/consensus/snapshot-file.ts'

const known = {
  'agent-registry': registryVersion,
  'agent-views': viewsVersion,
  'proxy-state': lastGoodVersion,
  'server-log': segmentFormat,
  'server-snapshot': snapshotFormat,
} as const

/** A line for each: name and highest number that a package with these `versions` reads. */
export const formats = ({ store }: typeof versions): string =>
  Object.entries({ ...known, 'server-data': Math.max(...store.map(({ version }) => version)) })
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, number]) => `${name} ${number}`)
    .join('\n')
