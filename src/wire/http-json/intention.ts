/**
 * Intentions and the `service-intentions` config entry in Consul's JSON. Reading a written config entry is the business
 * of config/, so that files and the API obey one set of rules.
 */
import type { ConfigEntry, IntentionSource } from '../../model/config-entry.ts'
import type { Intention, IntentionAction } from '../../model/intention.ts'
import type { RowIndexes } from '../../model/service.ts'
import { contentHashBase64 } from './content-hash.ts'
import { formatTime } from './time.ts'

export interface IntentionJson {
  readonly ID: string
  readonly Description: string
  readonly SourceNS: 'default'
  readonly SourceName: string
  readonly DestinationNS: 'default'
  readonly DestinationName: string
  readonly SourceType: 'consul'
  readonly Action: IntentionAction
  readonly Meta: Readonly<Record<string, string>>
  readonly Precedence: number
  readonly CreatedAt: string
  readonly UpdatedAt: string
  readonly Hash: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function intentionJson(row: Intention & RowIndexes): IntentionJson {
  return {
    ID: row.id,
    Description: row.description,
    SourceNS: 'default',
    SourceName: row.sourceName,
    DestinationNS: 'default',
    DestinationName: row.destinationName,
    SourceType: 'consul',
    Action: row.action,
    Meta: row.meta,
    Precedence: row.precedence,
    CreatedAt: formatTime(row.createdAtMs),
    UpdatedAt: formatTime(row.updatedAtMs),
    Hash: contentHashBase64([
      row.id,
      row.description,
      row.sourceName,
      row.destinationName,
      row.action,
      row.precedence,
      row.meta,
    ]),
    CreateIndex: row.createIndex,
    ModifyIndex: row.modifyIndex,
  }
}

export interface IntentionSourceJson {
  readonly Name: string
  readonly Action: IntentionAction
  readonly Precedence: number
  readonly Type: 'consul'
  readonly Description?: string
}

export interface ConfigEntryJson {
  readonly Kind: 'service-intentions'
  readonly Name: string
  readonly Sources: readonly IntentionSourceJson[]
  readonly Meta?: Readonly<Record<string, string>>
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export function configEntryJson(entry: ConfigEntry & RowIndexes): ConfigEntryJson {
  return {
    Kind: entry.kind,
    Name: entry.name,
    Sources: entry.sources.map(sourceJson),
    ...(Object.keys(entry.meta).length === 0 ? {} : { Meta: entry.meta }),
    CreateIndex: entry.createIndex,
    ModifyIndex: entry.modifyIndex,
  }
}

function sourceJson(source: IntentionSource): IntentionSourceJson {
  return {
    Name: source.name,
    Action: source.action,
    Precedence: source.precedence,
    Type: 'consul',
    ...(source.description === '' ? {} : { Description: source.description }),
  }
}
