/**
 * The package in a mesh that carries traffic: what is upgraded, refused, turned away, removed or brought back costs no
 * request. Parts of the story: package-mesh.ts, package-upgrade.ts, package-removal.ts.
 */
import type { Scenario } from '../scenario.ts'
import { meshOf } from './package-mesh.ts'
import { removal } from './package-removal.ts'
import { upgrades } from './package-upgrade.ts'

export const packageLife: Scenario = {
  name: 'package-life',
  about: 'upgrade, a refused one, downgrade, removal and return, under traffic',
  hosts: 3,
  suites: ['bookworm'],
  run: async (step, scene) => {
    const mesh = await meshOf(step, scene)
    await upgrades(step, scene, mesh)
    await removal(step, mesh)
  },
}
