/** What apt and systemd do and say about the package on one host. */
import type { Host } from './testbed.ts'

export const programs = ['mesh-agent', 'mesh-server', 'mesh-proxy'] as const

/** `apt-get install` of a file on the host, with nobody there to answer a question. What it printed. */
export async function install(host: Host, path = '/root/mesh-agent.deb'): Promise<string> {
  return apt(host, 'install', '--allow-downgrades', path)
}

/** apt-get without a terminal and without an operator. Lines of a terminal that apt makes end otherwise. */
export async function apt(host: Host, ...words: readonly string[]): Promise<string> {
  const quiet = 'DEBIAN_FRONTEND=noninteractive exec apt-get -y "$@" 2>&1 < /dev/null'
  return (await host.exec('sh', '-c', quiet, 'apt', ...words)).replaceAll('\r', '')
}

/** The main process of each program: the same one after a change means that it went on. */
export async function mainPids(host: Host): Promise<Readonly<Record<string, string>>> {
  const pids = programs.map(async (program) => [program, await shown(host, program, 'MainPID')])
  return Object.fromEntries(await Promise.all(pids))
}

/** A property of a unit, as `systemctl show` has it. */
export async function shown(host: Host, unit: string, property: string): Promise<string> {
  return (await host.exec('systemctl', 'show', '-P', property, unit)).trim()
}

export async function states(host: Host): Promise<readonly string[]> {
  const { output } = await host.attempt('systemctl', 'is-active', ...programs)
  return output.trim().split('\n')
}
