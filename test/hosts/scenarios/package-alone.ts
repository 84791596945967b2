/**
 * The package on one host, all the ways that it can come and go: where an image is built, at a first install, over
 * itself, removed, back again, purged. Whatever happened to it, purge leaves the host as it was before.
 */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { apt, install, mainPids, shown, states } from '../installation.ts'
import { inventory } from '../inventory.ts'
import { hostOf, type Scenario } from '../scenario.ts'
import { eventually, type Step } from '../steps.ts'
import type { Host } from '../testbed.ts'

export const packageAlone: Scenario = {
  name: 'package-alone',
  about: 'install in an image, at rest, over itself, remove, come back, purge: nothing is left behind',
  hosts: 1,
  suites: ['bookworm', 'trixie'],
  run: async (step, scene) => {
    const host = hostOf(scene, 'vm1')
    const before = await inventory(host)
    await image(step, host)
    await purge(step, host, before)
    await rest(step, host)
    await overItself(step, host)
    await comeBack(step, host)
    await purge(step, host, before)
  },
}

/** No /run/systemd, as in a chroot, and a policy that forbids to start anything. */
const asInImage = `mount -t tmpfs tmpfs /run
DEBIAN_FRONTEND=noninteractive exec apt-get install -y /root/mesh-agent.deb 2>&1 < /dev/null`

async function image(step: Step, host: Host): Promise<void> {
  await step(
    'it is installed where an image is built, with its configuration, and starts nothing',
    async () => {
      await host.exec('mkdir', '/etc/mesh-agent')
      await host.write('/etc/mesh-agent/server.hcl', 'server = true\n')
      await host.write('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n')
      await host.exec('chmod', '755', '/usr/sbin/policy-rc.d')
      await host.exec('unshare', '-m', 'sh', '-ec', asInImage)
      deepEqual(await states(host), ['inactive', 'inactive', 'inactive'])
      await host.exec('rm', '/usr/sbin/policy-rc.d')
    },
  )
  await step('and runs at the first boot', async () => {
    await host.powerOff()
    await host.powerOn()
    await eventually(async () => deepEqual(await states(host), ['active', 'active', 'active']))
  })
}

async function rest(step: Step, host: Host): Promise<void> {
  await step(
    'a first install is enabled, rests, and says what to type, in systemctl status too',
    async () => {
      const advice = /nothing to run yet[\s\S]*mesh init -server[\s\S]*mesh init -agent/
      match(await install(host), advice)
      equal((await host.exec('systemctl', 'is-enabled', 'mesh-agent')).trim(), 'enabled')
      match((await host.attempt('systemctl', 'status', 'mesh-agent')).output, advice)
      deepEqual(await states(host), ['inactive', 'inactive', 'inactive'])
      for (const unit of ['mesh-agent', 'mesh-proxy']) equal(await shown(host, unit, 'NRestarts'), '0')
      equal(await host.exec('systemctl', '--failed', '--quiet', '--no-legend'), '')
    },
  )
  await step('what it said is what starts it', async () => {
    await host.exec('mesh', 'init', '-server', '-start')
    deepEqual(await states(host), ['active', 'active', 'active'])
  })
}

async function overItself(step: Step, host: Host): Promise<void> {
  await step('installed over itself it keeps what the operator changed, asking nothing', async () => {
    await host.exec('sh', '-c', 'echo "# ours" >> /etc/mesh-agent/mesh-agent.hcl')
    await host.exec('dpkg-statoverride', '--update', '--add', 'root', 'mesh-agent', '0755', '/usr/bin/mesh')
    const before = await mainPids(host)
    await apt(host, 'install', '--reinstall', '/root/mesh-agent.deb')
    const after = await mainPids(host)
    equal(await host.exec('tail', '-n1', '/etc/mesh-agent/mesh-agent.hcl'), '# ours\n')
    equal(await host.exec('stat', '-c', '%a %G', '/usr/bin/mesh'), '755 mesh-agent\n')
    await host.exec('dpkg-statoverride', '--remove', '/usr/bin/mesh')
    notEqual(after['mesh-agent'], before['mesh-agent'])
    notEqual(after['mesh-server'], before['mesh-server'])
    equal(after['mesh-proxy'], before['mesh-proxy'])
  })
  await step('where the operator stopped or disabled it, it stays so', async () => {
    await host.exec('systemctl', 'disable', '--now', 'mesh-agent')
    await host.exec('systemctl', 'stop', 'mesh-proxy', 'mesh-server')
    await apt(host, 'install', '--reinstall', '/root/mesh-agent.deb')
    deepEqual(await states(host), ['inactive', 'inactive', 'inactive'])
    equal((await host.attempt('systemctl', 'is-enabled', 'mesh-agent')).output.trim(), 'disabled')
    await host.exec('systemctl', 'enable', '--now', 'mesh-agent')
    await eventually(async () => deepEqual(await states(host), ['active', 'active', 'active']))
    await eventually(() => host.exec('mesh', 'status', '-leader'))
  })
}

async function comeBack(step: Step, host: Host): Promise<void> {
  await step('the last server says so when it is removed, and its state stays', async () => {
    const said = await apt(host, 'remove', 'mesh-agent')
    match(said, /one of the last that hold quorum/)
    match(said, /remove-peer -id [0-9a-f-]{36}\n/)
    equal((await host.attempt('pgrep', '-u', 'mesh-agent,mesh-server,mesh-proxy')).output, '')
    equal((await host.attempt('ls', '/usr/lib/mesh-agent')).status, 2)
    await host.exec('test', '-e', '/var/lib/mesh-agent/server/operator.token')
  })
  await step('not installed over the data of a newer server: that says so, and stays as it is', async () => {
    const format = '/var/lib/mesh-agent/server/FORMAT'
    const own = await host.exec('cat', format)
    await host.write(format, 'mesh-agent server 9\n')
    const { status, output } = await host.attempt('dpkg', '-i', '/root/mesh-agent.deb')
    equal(status, 1)
    match(output, /server-data: format 9, and this package knows \d+\n/)
    equal((await host.attempt('test', '-e', '/usr/bin/mesh')).status, 1)
    await host.write(format, own)
  })
  await step('installed again it comes back by itself, the same server as before', async () => {
    await install(host)
    await eventually(async () => deepEqual(await states(host), ['active', 'active', 'active']))
    await eventually(async () => match(await host.exec('mesh', 'status'), /leader/))
  })
}

async function purge(step: Step, host: Host, before: readonly string[]): Promise<void> {
  await step('purge says what it deletes, and leaves the host as it was', async () => {
    const said = await apt(host, 'purge', 'mesh-agent')
    for (const name of [
      '/etc/mesh-agent',
      '/var/lib/mesh-agent',
      '/var/cache/mesh-agent',
      '/var/log/mesh-proxy',
    ])
      match(said, new RegExp(`^deleting ${name}$`, 'm'))
    for (const user of ['mesh-agent', 'mesh-server', 'mesh-proxy'])
      match(said, new RegExp(`^deleting user ${user}$`, 'm'))
    match(said, /This host ran a server/)
    const after = await inventory(host)
    deepEqual(
      {
        left: after.filter((line) => !before.includes(line)),
        lost: before.filter((line) => !after.includes(line)),
      },
      { left: [], lost: [] },
    )
  })
}
