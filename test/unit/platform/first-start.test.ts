// `mesh enroll` may be typed while the agent of the same host starts: both look for the host's id and key, find none, and
// have to end with the same.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openHostKey } from '../../../src/agent/enrollment/identity-files.ts'
import { unwrap } from '../../../src/model/errors.ts'
import { ensureNodeId } from '../../../src/platform/node-id.ts'
import type { StateFiles } from '../../../src/platform/ports.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { createStateFiles } from '../../../src/platform/state-files.ts'
import { privateKeyPem } from '../../../src/wire/x509/keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'mesh-first-start-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Another program does `meanwhile` between the first look of this one and what it does then. */
function overtaken(files: StateFiles, meanwhile: () => void): StateFiles {
  let looks = 0
  return {
    ...files,
    read: (path) => {
      const found = files.read(path)
      if (looks++ === 0) meanwhile()
      return found
    },
  }
}

test('two programs that make the host’s id at once end with the same', () => {
  const files = createStateFiles(folder)
  const ids: string[] = []
  const second = (): string => unwrap(ensureNodeId(files, systemRandom, ''))
  ids.push(
    unwrap(
      ensureNodeId(
        overtaken(files, () => ids.push(second())),
        systemRandom,
        '',
      ),
    ),
  )
  expect(new Set([...ids, second()]).size).toBe(1)
  expect(readdirSync(folder)).toEqual(['node-id'])
})

test('two programs that make the host’s key at once end with the same', () => {
  const files = createStateFiles(folder)
  const keys: string[] = []
  const second = (): string => privateKeyPem(unwrap(openHostKey(files)))
  keys.push(privateKeyPem(unwrap(openHostKey(overtaken(files, () => keys.push(second()))))))
  expect(new Set([...keys, second()]).size).toBe(1)
  expect(readdirSync(folder)).toEqual(['host.key'])
})
