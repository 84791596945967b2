// docs/compatibility.md says what a real agent answers, and nothing else: every row of the page is asked here, judged by Consul's
// answer, and the page made from the verdicts. `--update=all` writes it.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agent } from './compatibility/agent-rows.ts'
import { catalog } from './compatibility/catalog-rows.ts'
import { mesh } from './compatibility/mesh-rows.ts'
import { operator } from './compatibility/operator-rows.ts'
import { type Judged, page } from './compatibility/page.ts'
import { judge } from './compatibility/row.ts'
import { rules } from './compatibility/rules-rows.ts'
import { Scene } from './compatibility/scene.ts'
import { storage } from './compatibility/storage-rows.ts'

const sections = [rules, agent, catalog, mesh, storage, operator]

test('every line of the compatibility page is what a real agent answers', async () => {
  const scene = await Scene.open()
  const judged: Judged[] = []
  try {
    for (const { rows } of sections)
      for (const row of rows) {
        try {
          judged.push({ row, verdict: await judge(row, scene) })
        } catch (error) {
          judged.push({ row, verdict: { kind: 'wrong', why: String(error) } })
        }
      }
  } finally {
    await scene.close()
  }
  const wrong = judged.flatMap(({ row, verdict }) =>
    verdict.kind === 'wrong' ? [`${row.endpoint} ${row.part}: ${verdict.why}`] : [],
  )
  expect(wrong).toEqual([])
  await expect(page(judged)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/compatibility.md'))
}, 120_000)
