/**
 * All endpoints of the HTTP API. Order does not matter: the router prefers exact paths to patterns.
 */
import { agentEndpoints } from './agent.ts'
import { agentCheckEndpoints } from './agent-check.ts'
import { agentServiceEndpoints } from './agent-service.ts'
import { authorityEndpoints } from './authority.ts'
import { catalogEndpoints } from './catalog.ts'
import { configEndpoints } from './config.ts'
import type { Endpoint } from './contract.ts'
import { healthEndpoints } from './health.ts'
import { intentionEndpoints } from './intention.ts'
import { kvEndpoints } from './kv.ts'
import { meshEndpoints } from './mesh.ts'
import { operatorEndpoints } from './operator.ts'
import { snapshotEndpoints } from './snapshot.ts'
import { statusEndpoints } from './status.ts'

export const endpoints: readonly Endpoint[] = [
  ...agentEndpoints,
  ...agentServiceEndpoints,
  ...agentCheckEndpoints,
  ...authorityEndpoints,
  ...catalogEndpoints,
  ...configEndpoints,
  ...healthEndpoints,
  ...intentionEndpoints,
  ...kvEndpoints,
  ...meshEndpoints,
  ...operatorEndpoints,
  ...snapshotEndpoints,
  ...statusEndpoints,
]
