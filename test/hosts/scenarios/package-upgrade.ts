/**
 * Part of package-life: a newer version takes over without a failed request; one that cannot read the configuration does not,
 * and then also what crashes comes back in the old version; an older one is turned away by newer state.
 */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { install, mainPids, shown } from '../installation.ts'
import { otherPackage, raiseLogFormat, refuseOldWays } from '../other-package.ts'
import type { Scene } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'
import { answeredBy, type Mesh, unharmed } from './package-mesh.ts'

export async function upgrades(step: Step, { deb }: Scene, mesh: Mesh): Promise<void> {
  await takenOver(step, deb, mesh)
  await refused(step, deb, mesh)
  await turnedAway(step, deb, mesh)
}

async function takenOver(step: Step, deb: string, { vm1, vm2, vm3, load }: Mesh): Promise<void> {
  await step('a newer version takes over on each host, and no request fails', async () => {
    const newer = otherPackage(deb, '0.1.1', () => undefined)
    for (const host of [vm3, vm2, vm1]) {
      await host.push(newer, '/root/newer.deb')
      const before = await mainPids(host)
      await unharmed(load, () => install(host, '/root/newer.deb'))
      const after = await mainPids(host)
      notEqual(after['mesh-agent'], before['mesh-agent'])
      if (host === vm1) notEqual(after['mesh-server'], before['mesh-server'])
      equal(after['mesh-proxy'], before['mesh-proxy'])
      match(await workerVersion(host), /\/versions\/0\.1\.1-/)
      if (host !== vm1) await answeredBy(load, host)
    }
  })
}

async function refused(step: Step, deb: string, { vm3, load }: Mesh): Promise<void> {
  await step('a version that cannot read the configuration is not taken over, nor by a crash', async () => {
    await vm3.push(otherPackage(deb, '0.2.0', refuseOldWays), '/root/strict.deb')
    await vm3.exec('sh', '-c', 'echo "# old ways" >> /etc/mesh-agent/host.hcl')
    const before = await mainPids(vm3)
    let said = ''
    await unharmed(load, async () => {
      said = await install(vm3, '/root/strict.deb')
    })
    match(said, /old ways are not understood any more[\s\S]*goes on with the old version/)
    match(said, /then: \/usr\/lib\/mesh-agent\/take-over/)
    deepEqual(await mainPids(vm3), before)
    await vm3.exec('kill', '-9', await shown(vm3, 'mesh-agent', 'MainPID'), await workerPid(vm3))
    await eventually(async () => equal(await shown(vm3, 'mesh-agent', 'ActiveState'), 'active'))
    await eventually(async () => match(await workerVersion(vm3), /\/versions\/0\.1\.1-/))
    await answeredBy(load, vm3)
  })
  await step('it is taken over when the operator corrected the configuration and says so', async () => {
    await vm3.exec('sed', '-i', '/old ways/d', '/etc/mesh-agent/host.hcl')
    await unharmed(load, () => vm3.exec('/usr/lib/mesh-agent/take-over'))
    match(await workerVersion(vm3), /\/versions\/0\.2\.0-/)
    await answeredBy(load, vm3)
  })
}

async function turnedAway(step: Step, deb: string, { vm1 }: Mesh): Promise<void> {
  await step('an older package is turned away by newer state, and what runs goes on', async () => {
    await vm1.push(otherPackage(deb, '0.3.0', raiseLogFormat), '/root/raised.deb')
    await install(vm1, '/root/raised.deb')
    const before = await mainPids(vm1)
    const { status, output } = await vm1.attempt('dpkg', '-i', '/root/mesh-agent.deb')
    equal(status, 1)
    match(output, /older than the state of this host:\n {2}server-log: format 9, and this package knows 1\n/)
    deepEqual(await mainPids(vm1), before)
    match(
      await vm1.exec('dpkg', '-s', 'mesh-agent'),
      /^Status: install ok installed$[\s\S]*^Version: 0\.3\.0$/m,
    )
    match(await vm1.exec('mesh', 'status'), /leader/)
  })
}

/** Of the holder's children the youngest: after a swap the one of before ends when its connections do. */
async function workerPid(host: Host): Promise<string> {
  return (await host.exec('pgrep', '-n', '-P', await shown(host, 'mesh-proxy', 'MainPID'))).trim()
}

/** The folder of the version that the worker runs. */
async function workerVersion(host: Host): Promise<string> {
  return host.exec('readlink', `/proc/${await workerPid(host)}/exe`)
}
