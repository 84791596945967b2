/** Which scenarios there are, in the order in which they run: the first fails on what is broken for everybody. */
import type { Scenario } from '../scenario.ts'
import { doctor } from './doctor.ts'
import { faultsMachine } from './faults-machine.ts'
import { faultsNetwork } from './faults-network.ts'
import { faultsPower } from './faults-power.ts'
import { faultsProcesses } from './faults-processes.ts'
import { firstRequest } from './first-request.ts'
import { packageAlone } from './package-alone.ts'
import { packageLife } from './package-life.ts'
import { units } from './units.ts'
import { upgrade } from './upgrade.ts'

export const scenarios: readonly Scenario[] = [
  firstRequest,
  packageAlone,
  packageLife,
  doctor,
  units,
  upgrade,
  faultsPower,
  faultsProcesses,
  faultsNetwork,
  faultsMachine,
]
