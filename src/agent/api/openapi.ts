/**
 * The description of this API for programs that read one. It is made from the routes when they change
 * (packaging/generate-openapi.ts), not while the agent runs, comes as it is, and is loaded when somebody asks for it.
 */
import type { Answer, Endpoint } from './contract.ts'

export const openApiEndpoints: readonly Endpoint[] = [
  { path: '/v1/mesh/openapi.json', actions: { GET: { need: 'read', run: show } } },
]

async function show(): Promise<Answer> {
  const { default: document } = await import('../../../docs/openapi.json', { with: { type: 'json' } })
  return { json: document }
}
