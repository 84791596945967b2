/** Shapes of intentions, of the config entry that holds them, and of the roots of a plane. */
import * as z from 'zod'
import type { PublicCaRoot } from '../../model/authority.ts'
import type { ConfigEntry } from '../../model/config-entry.ts'
import type { IntentionRule } from '../../model/intention.ts'
import { flag, text, textMap, wholeNumber } from './text.ts'

export const actionShape = z.enum(['allow', 'deny'])

export const ruleShape = z.object({
  sourceName: text,
  destinationName: text,
  action: actionShape,
}) satisfies z.ZodType<IntentionRule>

export const configKindShape = z.enum(['service-intentions'])

export const configEntryShape = z.object({
  kind: configKindShape,
  name: text,
  meta: textMap,
  sources: z.array(z.object({ name: text, action: actionShape, description: text, precedence: wholeNumber })),
}) satisfies z.ZodType<ConfigEntry>

export const rootShape = z.object({
  id: text,
  plane: z.enum(['host', 'service']),
  name: text,
  trustDomain: text,
  certificatePem: text,
  serialNumber: text,
  signingKeyId: text,
  notBeforeMs: z.number().int(),
  notAfterMs: wholeNumber,
  active: flag,
  retiredAtMs: wholeNumber.exactOptional(),
  privateKeyType: z.literal('ec'),
  privateKeyBits: z.literal(256),
}) satisfies z.ZodType<PublicCaRoot>
