/** The programs of this host as systemd runs them, by the one unit that brings the others. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { CommandFailure } from './failure.ts'

/** The folder that the units of the package read. */
export const unitConfiguration = '/etc/mesh-agent'

/** Starts mesh-agent.service and waits until it is ready; fails with the line to type next. */
export function startUnit(): void {
  if (!existsSync('/run/systemd/system'))
    throw new CommandFailure('systemd does not run here, so there is nothing to start the programs with', {
      next: 'mesh agent -config-dir FOLDER, and mesh proxy and mesh server likewise, each in a terminal of its own',
    })
  try {
    execFileSync('systemctl', ['start', 'mesh-agent.service'], { stdio: ['ignore', 'inherit', 'inherit'] })
  } catch {
    throw new CommandFailure('mesh-agent did not start', { next: 'journalctl -u mesh-agent -n 20' })
  }
}
