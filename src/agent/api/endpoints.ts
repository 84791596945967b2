/**
 * All endpoints of the HTTP API. Order does not matter: the router prefers exact paths to patterns.
 */
import { agentEndpoints } from './agent.ts'
import { agentCheckEndpoints } from './agent-check.ts'
import { agentHealthEndpoints } from './agent-health.ts'
import { agentServiceEndpoints } from './agent-service.ts'
import { authorityEndpoints } from './authority.ts'
import { catalogEndpoints } from './catalog.ts'
import { configEndpoints } from './config.ts'
import type { Endpoint } from './contract.ts'
import { coordinateEndpoints } from './coordinate.ts'
import { diagnosisEndpoints } from './diagnosis.ts'
import { drainEndpoints } from './drain.ts'
import { eventEndpoints } from './event.ts'
import { evictEndpoints } from './evict.ts'
import { healthEndpoints } from './health.ts'
import { hostStateEndpoints } from './host-state.ts'
import { intentionEndpoints } from './intention.ts'
import { intentionByIdEndpoints } from './intention-by-id.ts'
import { keyringEndpoints } from './keyring.ts'
import { kvEndpoints } from './kv.ts'
import { maintenanceEndpoints } from './maintenance.ts'
import { memberEndpoints } from './member.ts'
import { meshEndpoints } from './mesh.ts'
import { metricsEndpoints } from './metrics.ts'
import { openApiEndpoints } from './openapi.ts'
import { operatorEndpoints } from './operator.ts'
import { preparedQueryEndpoints } from './prepared-query.ts'
import { rootRotationEndpoints } from './root-rotation.ts'
import { sessionEndpoints } from './session.ts'
import { snapshotEndpoints } from './snapshot.ts'
import { statusEndpoints } from './status.ts'
import { txnEndpoints } from './txn.ts'
import { usageEndpoints } from './usage.ts'

export const endpoints: readonly Endpoint[] = [
  ...agentEndpoints,
  ...agentServiceEndpoints,
  ...agentCheckEndpoints,
  ...agentHealthEndpoints,
  ...authorityEndpoints,
  ...catalogEndpoints,
  ...configEndpoints,
  ...coordinateEndpoints,
  ...diagnosisEndpoints,
  ...drainEndpoints,
  ...eventEndpoints,
  ...evictEndpoints,
  ...healthEndpoints,
  ...hostStateEndpoints,
  ...intentionEndpoints,
  ...intentionByIdEndpoints,
  ...keyringEndpoints,
  ...kvEndpoints,
  ...maintenanceEndpoints,
  ...memberEndpoints,
  ...meshEndpoints,
  ...metricsEndpoints,
  ...openApiEndpoints,
  ...operatorEndpoints,
  ...preparedQueryEndpoints,
  ...rootRotationEndpoints,
  ...sessionEndpoints,
  ...snapshotEndpoints,
  ...statusEndpoints,
  ...txnEndpoints,
  ...usageEndpoints,
]
