/** `mesh doctor`: how it is called. */
import type { Command } from 'commander'
import { contextOf, declare, type Outcome, type SharedOptions, withOutput } from './declare.ts'
import type { DoctorOptions } from './doctor/doctor.ts'

export function declareDoctor(program: Command, outcome: Outcome): void {
  const doctor = declare(program, 'doctor', 'say what is wrong with this host, and what to do about it')
    .summary('say what is wrong with this host')
    .option('--pre', 'before the first start: nothing has to run yet')
    .option('-q, --quiet', 'only what is amiss')
    .option('--config-dir <folder>', "this host's configuration", '/etc/mesh-agent')
    .addHelpText(
      'after',
      '\nWorks without agent and servers; as root it sees more. Changes nothing.\nExit status: 0 well or only warnings, 1 something is wrong. Codes: `mesh explain CODE`.',
    )
  withOutput(doctor).action(async (options: SharedOptions & DoctorOptions) => {
    const { doctor: examineHost } = await import('./doctor/doctor.ts')
    outcome.status = await examineHost(contextOf(options), options)
  })
}
