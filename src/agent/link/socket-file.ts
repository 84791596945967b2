/**
 * Listens on a unix socket's path: replaces the file that a killed agent left behind, never one that is served. Knows
 * nothing of what is spoken on it.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { failed, ok, type Result } from '../../model/errors.ts'

/** `mode`: permissions of the socket file, such as 0o660; who may enter the folder is the folder's business. */
export function listenOnSocket(server: net.Server, path: string, mode: number): Promise<Result<true>> {
  return new Promise((resolve) => {
    const listen = (): void => {
      const onError = (error: NodeJS.ErrnoException): void => {
        resolve(failed('internal', `cannot listen on ${path}: ${error.code ?? error.message}`))
      }
      server.once('error', onError)
      // Whatever the umask, nobody else can connect between the file's creation and its mode.
      const umask = process.umask(0o177)
      server.listen(path, () => {
        server.off('error', onError)
        chmodSync(path, mode)
        resolve(ok(true))
      })
      process.umask(umask)
    }
    if (!isSocketFile(path)) return listen()
    const probe = net.connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(failed('conflict', `${path} is served by another process`))
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') unlinkSync(path)
      listen()
    })
  })
}

function isSocketFile(path: string): boolean {
  try {
    return lstatSync(path).isSocket()
  } catch {
    return false
  }
}
