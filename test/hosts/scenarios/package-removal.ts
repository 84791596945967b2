/**
 * Part of package-life: a host whose package is removed takes its services out of use first, so that callers find another
 * instance; it comes back by itself. A server that is removed says what that means, and traffic goes on without it.
 */
import { doesNotMatch, equal, match } from 'node:assert/strict'
import { apt, install } from '../installation.ts'
import { eventually, type Step } from '../steps.ts'
import { answeredBy, type Mesh, unharmed } from './package-mesh.ts'

export async function removal(step: Step, mesh: Mesh): Promise<void> {
  await ofAHost(step, mesh)
  await ofTheServer(step, mesh)
}

async function ofAHost(step: Step, { vm1, vm3, load }: Mesh): Promise<void> {
  await step('removed from vm3, its service is gone from the catalog, and no request failed', async () => {
    await answeredBy(load, vm3)
    await unharmed(load, async () => {
      match(await apt(vm3, 'remove', 'mesh-agent'), /services of this host are out of use/)
    })
    equal((await vm3.attempt('pgrep', '-u', 'mesh-agent,mesh-proxy')).output, '')
    await eventually(async () => doesNotMatch(await vm1.exec('mesh', 'catalog', 'nodes'), /vm3/))
  })
  await step('installed again it comes back by itself, without a token', async () => {
    await unharmed(load, async () => {
      await install(vm3, '/root/strict.deb')
      await answeredBy(load, vm3)
    })
  })
}

async function ofTheServer(step: Step, { vm1, load }: Mesh): Promise<void> {
  await step('removed from the only server: apt says what that means, and traffic goes on', async () => {
    await unharmed(load, async () => {
      match(await apt(vm1, 'remove', 'mesh-agent'), /one of the last that hold quorum/)
    })
  })
  await step('installed again it leads again, and has its catalog', async () => {
    await unharmed(load, async () => {
      await install(vm1, '/root/raised.deb')
      await eventually(async () => match(await vm1.exec('mesh', 'catalog', 'nodes'), /vm2[\s\S]*vm3/))
    })
  })
}
