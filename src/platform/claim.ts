/**
 * A claim on a data directory: at most one process of this machine holds it, and the kernel drops it with the process,
 * however that ends. It is a listening socket in Linux's abstract namespace, named after the directory's inode: a pid file
 * would be left over after a crash, and Node has no file locks.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { failed, ok, type Result } from '../model/errors.ts'

export interface Claim {
  release(): void
}

/** Makes the directory (0700) where it is missing. Fails with `conflict` while another process holds it. */
export function claimDirectory(path: string): Promise<Result<Claim>> {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const { dev, ino } = statSync(path)
  const name = createHash('sha256').update(`mesh-agent ${dev}:${ino}`).digest('hex').slice(0, 32)
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process uses it' : error.message
      resolve(failed('conflict', `the data directory ${path} cannot be used: ${why}`))
    })
    server.listen({ path: `\0mesh-agent-${name}` }, () => {
      server.unref()
      resolve(ok({ release: () => server.close() }))
    })
  })
}
