/**
 * `mesh doctor`: what is wrong with this host, and what to type about it. Works with the agent down, the configuration broken
 * and without rights, and says what it could not see. Changes nothing. Exit status 1 where something is wrong; warnings are none.
 */
import type { Context } from '../declare.ts'
import { exitStatus } from '../failure.ts'
import { examine } from './examine.ts'
import { reportOf, showReport } from './report.ts'

export interface DoctorOptions {
  readonly pre?: true
  readonly quiet?: true
  readonly configDir: string
}

export async function doctor({ terminal }: Context, options: DoctorOptions): Promise<number> {
  const groups = await examine({
    configurationPath: options.configDir,
    isBefore: options.pre === true,
  })
  const report = reportOf(groups)
  const hasColour = process.stdout.isTTY === true && !process.env['NO_COLOR']
  terminal.show(report, () => showReport(terminal, groups, { isQuiet: options.quiet === true, hasColour }))
  return report.Wrong > 0 ? exitStatus.failed : exitStatus.done
}
