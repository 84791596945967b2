/**
 * The package after the first day, on the hosts of the README's walk: a new version is installed over a running one,
 * one that cannot read the configuration is not taken over, and purge leaves nothing behind.
 */
import { equal, match, notEqual } from 'node:assert/strict'
import { hostOf, type Scenario, type Scene } from '../scenario.ts'
import type { Step } from '../steps.ts'
import type { Host } from '../testbed.ts'
import { install, readmeWalk } from './first-request.ts'

const programs = ['mesh-agent', 'mesh-server', 'mesh-proxy']

export const packageLife: Scenario = {
  name: 'package-life',
  about: 'upgrade, an upgrade that cannot be taken over, removal and purge',
  hosts: 3,
  suites: ['bookworm'],
  run: async (step, scene) => {
    await readmeWalk(step, scene)
    await life(step, scene)
  },
}

async function life(step: Step, scene: Scene): Promise<void> {
  const h1 = hostOf(scene, 'vm1')
  const h2 = hostOf(scene, 'vm2')
  await step(
    'an upgrade keeps conffiles, restarts agent and server, and leaves the proxy running',
    async () => {
      await h1.exec('sh', '-c', 'echo "# ours" >> /etc/mesh-agent/mesh-agent.hcl')
      const before = await mainPids(h1)
      await h1.exec('dpkg', '--force-confold', '-i', '/root/mesh-agent.deb')
      const after = await mainPids(h1)
      equal(await h1.exec('tail', '-n1', '/etc/mesh-agent/mesh-agent.hcl'), '# ours\n')
      notEqual(after['mesh-agent'], before['mesh-agent'])
      notEqual(after['mesh-server'], before['mesh-server'])
      equal(after['mesh-proxy'], before['mesh-proxy'])
    },
  )
  await step('an upgrade that cannot read the configuration leaves the running programs alone', async () => {
    await h1.write('/etc/mesh-agent/broken.hcl', 'service {\n')
    const before = await mainPids(h1)
    match(await h1.exec('dpkg', '-i', '/root/mesh-agent.deb'), /goes on with the old version/)
    const after = await mainPids(h1)
    for (const program of programs) equal(after[program], before[program])
    await h1.exec('rm', '/etc/mesh-agent/broken.hcl')
  })
  await step('a removed package keeps its state, and comes back by itself when installed again', async () => {
    await h2.exec('apt-get', 'remove', '-y', 'mesh-agent')
    equal((await h2.attempt('pgrep', '-u', 'mesh-agent,mesh-proxy')).output, '')
    await install(h2)
    equal((await h2.exec('systemctl', 'is-active', 'mesh-agent')).trim(), 'active')
  })
  await step('purge leaves no file, user or group', async () => {
    const said = await h2.exec('apt-get', 'purge', '-y', 'mesh-agent')
    match(said, /deleting \/var\/lib\/mesh-agent/)
    equal(await h2.exec('find', '/etc', '/run', '/usr', '/var/cache', '/var/lib', '-name', '*mesh*'), '')
    equal(
      (await h2.attempt('grep', 'mesh', '/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow')).output,
      '',
    )
    equal((await h2.exec('systemctl', '--failed', '--quiet', '--no-legend')).trim(), '')
  })
}

async function mainPids(host: Host): Promise<Readonly<Record<string, string>>> {
  const pids = programs.map(async (program) => [
    program,
    (await host.exec('systemctl', 'show', '-P', 'MainPID', program)).trim(),
  ])
  return Object.fromEntries(await Promise.all(pids))
}
