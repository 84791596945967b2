/** `mesh kv`: how its commands are called. What they do is kv.ts, and kv-transfer.ts for many entries at once. */
import type { Command } from 'commander'
import { contextOf, declare, type SharedOptions, withConnection } from './declare.ts'
import type { DeleteOptions, ListOptions, PutOptions } from './kv.ts'

export function declareKv(program: Command): void {
  const kv = declare(program, 'kv', 'read and write the key-value store')
  declareReading(kv)
  declareWriting(kv)
  declareTransfer(kv)
}

function declareReading(kv: Command): void {
  withConnection(declare(kv, 'get <key>', 'print the value of a key, byte for byte')).action(
    async (key: string, options: SharedOptions) => {
      const { getKey } = await import('./kv.ts')
      await getKey(contextOf(options), key)
    },
  )
  const list = declare(kv, 'list [prefix]', 'list the keys that begin with a prefix')
    .option('--separator <text>', 'only up to the next separator, as in a folder')
    .option('-l, --long', 'with size, flags and index')
  withConnection(list).action(async (prefix: string | undefined, options: SharedOptions & ListOptions) => {
    const { listKeys } = await import('./kv.ts')
    await listKeys(contextOf(options), prefix ?? '', options)
  })
}

function declareWriting(kv: Command): void {
  const put = declare(kv, 'put <key> [value]', 'write a key; without a value, nothing')
    .option('--cas <index>', 'only if it was last changed at this index; 0: only if it is new')
    .option('--flags <number>', 'a 64-bit number of your own beside the value', '0')
    .option('--base64', 'the value is base64')
    .option('--acquire', 'take the lock of the key for -session')
    .option('--release', 'give the lock of the key back')
    .option('--session <id>', 'who takes the lock or has it')
    .addHelpText('after', '\nA value of - is read from standard input, one of @FILE from a file.')
  withConnection(put).action(
    async (key: string, value: string | undefined, options: SharedOptions & PutOptions) => {
      const { putKey } = await import('./kv.ts')
      await putKey(contextOf(options), { key, value: value ?? '' }, options)
    },
  )
  const remove = declare(kv, 'delete <key>', 'delete a key, or everything that begins with it')
    .option('--cas <index>', 'only if it was last changed at this index')
    .option('--recurse', 'delete every key that begins with it')
  withConnection(remove).action(async (key: string, options: SharedOptions & DeleteOptions) => {
    const { deleteKey } = await import('./kv.ts')
    await deleteKey(contextOf(options), key, options)
  })
}

function declareTransfer(kv: Command): void {
  const exporting = declare(kv, 'export [prefix]', 'print entries as JSON that import reads')
  withConnection(exporting).action(async (prefix: string | undefined, options: SharedOptions) => {
    const { exportKeys } = await import('./kv-transfer.ts')
    await exportKeys(contextOf(options), prefix ?? '')
  })
  const importing = declare(kv, 'import <file>', 'write the entries of an export; - reads standard input')
  withConnection(importing).action(async (file: string, options: SharedOptions) => {
    const { importKeys } = await import('./kv-transfer.ts')
    await importKeys(contextOf(options), file)
  })
}
