// Registrations on disk that a newer program wrote: an agent that cannot read them must not take them for gone.
import { expect, test } from 'vitest'
import { SavedRegistrations } from '../../../../src/agent/registry/saved-registrations.ts'
import { checkOf, definitionOf, MemoryStateFiles, RecordingLog } from '../fakes.ts'

const raise = (files: MemoryStateFiles, path: string): void => {
  const saved = JSON.parse(new TextDecoder().decode(files.read(path))) as object
  files.write(path, new TextEncoder().encode(JSON.stringify({ ...saved, version: 9 })))
}

test.each(['services', 'checks', 'ports'])(
  '%s of a newer program are refused, by name and number',
  (kind) => {
    const files = new MemoryStateFiles()
    const saved = new SavedRegistrations(files, new RecordingLog())
    saved.writeService(definitionOf('web'))
    saved.writeCheck(checkOf('disk'))
    saved.writePorts(new Map([['web-sidecar-proxy', 21_000]]))
    expect(saved.readable()).toEqual({ ok: true, value: true })
    const path = kind === 'ports' ? 'sidecar-ports.json' : `${kind}/${files.list(kind)[0]}`
    raise(files, path)
    expect(saved.readable()).toMatchObject({
      ok: false,
      failure: {
        code: 'format-too-new',
        message: `${path} of the agent's registry has format 9, this program knows formats up to 1`,
      },
    })
  },
)

test('a damaged file is no reason not to start: the others count', () => {
  const files = new MemoryStateFiles()
  files.write('services/0.json', new TextEncoder().encode('{"version":'))
  expect(new SavedRegistrations(files, new RecordingLog()).readable()).toEqual({ ok: true, value: true })
})
