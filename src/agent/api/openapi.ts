/**
 * The description of this API for programs that read one. It is made from the routes when they change
 * (packaging/generate-openapi.ts), not while the agent runs, and comes as it is.
 */
import document from '../../../docs/openapi.json' with { type: 'json' }
import type { Answer, Endpoint } from './contract.ts'

export const openApiEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/openapi.json', actions: { GET: { need: 'read', run: show } } },
]

function show(): Answer {
  return { json: document }
}
