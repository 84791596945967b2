/**
 * Registrations over HTTP: the same schemas as in files, with keys in any of Consul's spellings. Empty values count as
 * absent, because programs send every field. Failures carry Consul's texts where its clients know them.
 */
import type { CheckDefinition } from '../model/check.ts'
import { failed, ok, type Result } from '../model/errors.ts'
import type { ServiceDefinition } from '../model/service.ts'
import type { Value } from '../wire/hcl/tree.ts'
import { bodyTree } from './body.ts'
import { readOwnCheck } from './check.ts'
import { checkIds, checkListeners } from './conflicts.ts'
import { type Reader, Reading } from './reading.ts'
import { readService } from './service.ts'

/** Reads the body of `PUT /v1/agent/service/register`, as text or as parsed JSON. */
export function parseServiceRegistration(body: unknown): Result<ServiceDefinition> {
  return parseBody(body, (slot, reading) => {
    const draft = readService(slot, reading)
    if (draft === undefined) return undefined
    checkIds({ services: [draft], checks: [] }, reading)
    checkListeners([draft], [], '0.0.0.0', reading)
    return draft.definition
  })
}

/** Reads the body of `PUT /v1/agent/check/register`, as text or as parsed JSON. */
export function parseCheckRegistration(body: unknown): Result<CheckDefinition> {
  return parseBody(body, (slot, reading) => readOwnCheck(slot, reading)?.definition)
}

function parseBody<Read>(body: unknown, read: Reader<Read>): Result<Read> {
  const tree = bodyTree(body)
  if (!tree.ok) return tree
  const value: Value = tree.value
  const reading = new Reading('registration', 'json')
  const result = read({ name: 'body', item: 0, at: value.at, value }, reading)
  if (result !== undefined && !reading.failed) return ok(result)
  const { text, expected } = reading.firstMessage()
  return failed(expected ? 'bad-request' : 'invalid-service', text)
}
