/**
 * Every version by which programs of two releases find out what they may say to one another, in one place. What each number
 * means is said where the form is: here is only which ones this program understands, `max` being the newest.
 *
 * Rules of change: a release raises a `max` by one at most and keeps understanding what the release before it spoke, so
 * that neighbours work side by side (docs/upgrading.md). A `min` follows a release later.
 */

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** A form on disk, and the cluster's feature level from which it is written. */
export interface StoredForm {
  readonly version: number
  readonly sinceLevel: number
}

export const versions: {
  /** What the servers of a cluster may write into their log (feature.ts). */
  readonly featureLevel: VersionRange
  /** Commands, states in snapshots, FORMAT of a data directory. All are read; the first one has no condition. */
  readonly store: readonly [StoredForm, ...StoredForm[]]
  /** Between agents and servers (rpc/contract.ts). */
  readonly control: VersionRange
  /** Between an agent and its proxies (wire/link/message.ts). */
  readonly proxyLink: VersionRange
  /** Between two proxies (wire/tunnel/frame.ts). */
  readonly tunnel: VersionRange
} = {
  featureLevel: { min: 1, max: 4 },
  store: [{ version: 1, sinceLevel: 1 }],
  control: { min: 1, max: 3 },
  proxyLink: { min: 1, max: 3 },
  tunnel: { min: 1, max: 1 },
}
