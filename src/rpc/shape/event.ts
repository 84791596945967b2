/** Shapes of what servers push: subjects and event bodies. */
import * as z from 'zod'
import { type EventBody, type Subject, topics } from '../../model/topic.ts'
import { serviceEntryShape } from './catalog.ts'
import { federatedRootsShape } from './federation.ts'
import { actionShape, rootShape, ruleShape } from './intention.ts'
import { text, textList } from './text.ts'

export const subjectShape = z.object({
  topic: z.enum(topics),
  key: text,
}) satisfies z.ZodType<Subject>

const healthTopic = z.enum(['mesh-health', 'service-health', 'datacenter-health'])

const bodyShape = z.union([
  z.object({
    topic: z.literal('intentions'),
    defaultAction: actionShape,
    rules: z.array(ruleShape),
  }),
  z.object({
    topic: z.literal('roots'),
    trustDomain: text,
    roots: z.array(rootShape),
    evicted: textList.exactOptional(),
    federated: z.array(federatedRootsShape).exactOptional(),
  }),
  z.object({ topic: healthTopic, op: z.literal('upsert'), entry: serviceEntryShape }),
  z.object({ topic: healthTopic, op: z.literal('remove'), node: text, serviceId: text }),
]) satisfies z.ZodType<EventBody>

export const bodiesShape: z.ZodType<readonly EventBody[]> = z.array(bodyShape)
