/** The openssl program as a judge of what we write: it knows none of our code. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OpenSsl {
  /** Path of a new file in the working folder. */
  file(name: string, content: string | Uint8Array): string
  /** What the program printed, both streams; also where it failed. */
  run(...args: string[]): string
  remove(): void
}

export function openSsl(): OpenSsl {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-openssl-'))
  return {
    file: (name, content) => {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    run: (...args) => {
      try {
        return execFileSync('openssl', args, {
          cwd: folder,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        })
      } catch (error) {
        const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
        return `failed: ${stdout ?? ''}${stderr ?? String(error)}`
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
