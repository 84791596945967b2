// The service behind the proxies: nginx with one answer of 95 bytes, and an iperf3 server beside it for bulk.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../src/command/dev/program.ts'
import type { Child } from '../../peers/child.ts'
import { type Endpoint, textOf } from './pair.ts'
import { answers } from './peer-pairs.ts'
import { childOf, requireProgram, writeConfiguration } from './program.ts'

const bodyBytes = 95
/** A bulk transfer fetches this file again and again: `/bulk/file` as fast as it goes, `/paced/file` at a pace. */
const fileBytes = 64 * 1024 * 1024
/** Of one transfer under `/paced/`, a second. */
export const paceBytes = 50 * 1024 * 1024

export function originChild(folder: string, service: Endpoint): Child {
  const program = requireProgram('nginx', 'nginx')
  mkdirSync(join(folder, 'bulk'))
  writeFileSync(join(folder, 'bulk', 'file'), Buffer.alloc(fileBytes))
  const values = {
    FOLDER: folder,
    SERVICE: textOf(service),
    BODY: 'x'.repeat(bodyBytes),
    PACE: String(paceBytes),
  }
  const configuration = writeConfiguration('origin.conf', folder, values)
  return childOf(
    program,
    ['-e', join(folder, 'origin.early'), '-p', folder, '-c', configuration],
    join(folder, 'origin.log'),
  )
}

export async function startOrigin(child: Child, service: Endpoint): Promise<void> {
  child.start()
  await until('the service', async () => {
    if (!child.isRunning) throw new Error(`nginx ended: ${child.logTail()}`)
    return (await answers(service)) || undefined
  })
}
