/** Config entries: cluster-wide settings by kind and name. Kinds come with the features that need them. */
import type { IntentionAction } from './intention.ts'

export interface IntentionSource {
  readonly name: string
  readonly action: IntentionAction
  readonly description: string
  /** Computed on write; a written value is ignored. */
  readonly precedence: number
}

/** All intentions of one destination, in precedence order. The stored form from which intention rows are derived. */
export interface ServiceIntentionsEntry {
  readonly kind: 'service-intentions'
  /** The destination; `*` for any. */
  readonly name: string
  readonly meta: Readonly<Record<string, string>>
  readonly sources: readonly IntentionSource[]
}

export type ConfigEntry = ServiceIntentionsEntry
export type ConfigEntryKind = ConfigEntry['kind']

export const configEntryKinds: readonly ConfigEntryKind[] = ['service-intentions']

/** Settings of the whole cluster, set at genesis and by the leader when its configuration changed. */
export interface ClusterSettings {
  readonly clusterId: string
  readonly datacenter: string
  readonly defaultIntentionAction: IntentionAction
  /** See feature.ts; absent in clusters that are older than levels, which stand at 1. */
  readonly featureLevel?: number
}
