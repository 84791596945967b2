/**
 * Another time of day for one command: hosts share the machine's clock, and nobody may set it. libfaketime, preloaded, tells a
 * program what the test wants. Its package is fetched on this machine, because hosts have no way out.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host } from '../testbed.ts'

const library = '/root/libfaketime.so'

/** Unpacks the library onto the host. */
export async function installFakeTime(host: Host): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-faketime-'))
  try {
    execFileSync('apt-get', ['download', 'libfaketime'], { cwd: folder, stdio: 'pipe' })
    const deb = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? ''
    execFileSync('dpkg-deb', ['-x', join(folder, deb), join(folder, 'root')], { stdio: 'pipe' })
    const found = readdirSync(join(folder, 'root'), { recursive: true, encoding: 'utf8' })
    const path = found.find((name) => name.endsWith('/libfaketime.so.1')) ?? ''
    await host.push(join(folder, 'root', path), library)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Words before a command that make it an hour and more late or early; none where the options do not ask for it. */
export function fakeTime(options: readonly string[]): readonly string[] {
  const shift = options.find((word) => /^[+]\d+[hd]$/.test(word))
  if (shift === undefined) return []
  return ['env', `LD_PRELOAD=${library}`, `FAKETIME=${shift}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1']
}
