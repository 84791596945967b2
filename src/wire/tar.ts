/**
 * Files as one tar archive (POSIX.1-1988 ustar), whole in memory: for a bundle of a few megabytes. Writes plain files with
 * short names and nothing else.
 */
import { assert } from '../model/errors.ts'

export interface TarFile {
  /** At most 100 ASCII characters, with `/`. */
  readonly path: string
  readonly content: Uint8Array
}

const blockBytes = 512
const sizeMax = 8 ** 11 - 1

export function tarArchive(files: readonly TarFile[], modifiedMs: number): Uint8Array {
  const parts = files.flatMap(({ path, content }) => [
    header(path, content.length, Math.floor(modifiedMs / 1_000)),
    content,
    Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes),
  ])
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)])
}

function header(path: string, size: number, modifiedSeconds: number): Uint8Array {
  assert(/^[\x21-\x7e]{1,100}$/.test(path), `${path} has a name that fits in a tar header`)
  assert(size <= sizeMax, `${path} has a size that fits in a tar header`)
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'ascii')
  }
  block.write(path, 0, 'ascii')
  octal(0o600, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(modifiedSeconds, 136, 11)
  // The checksum is taken with its own place full of blanks.
  block.fill(' ', 148, 156)
  block.write('0', 156, 'ascii')
  block.write('ustar\x0000', 257, 'ascii')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
  return block
}
