// The service behind the proxies: nginx with one answer of 95 bytes, and an iperf3 server beside it for bulk.
import { join } from 'node:path'
import { until } from '../../../src/command/dev/program.ts'
import type { Child } from '../../peers/child.ts'
import { type Endpoint, textOf } from './pair.ts'
import { answers } from './peer-pairs.ts'
import { childOf, requireProgram, writeConfiguration } from './program.ts'

const bodyBytes = 95

export function originChild(folder: string, service: Endpoint): Child {
  const program = requireProgram('nginx', 'nginx')
  const values = { FOLDER: folder, SERVICE: textOf(service), BODY: 'x'.repeat(bodyBytes) }
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
