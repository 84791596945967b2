/**
 * Keeps the FORMAT file at the form that the cluster has agreed on: rewritten when the feature level allows a newer one, and
 * at the next start where a crash came between. The log may be ahead of it for that moment; an entry says its form itself.
 */
import { oldestStoreVersion, storeVersionAt } from '../model/feature.ts'
import type { Log } from '../platform/ports.ts'
import type { DurableWriter } from './consensus/durable-writer.ts'
import { writeFormat } from './consensus/format.ts'
import type { Store } from './store/store.ts'

export interface FormatRaisePorts {
  readonly store: Store
  readonly writer: DurableWriter
  /** What the file says now. */
  readonly written: number | undefined
  readonly log: Log
}

/** Follows the state from here on. */
export function raiseFormat({ store, writer, written, log }: FormatRaisePorts): void {
  let present = written ?? oldestStoreVersion
  let isWriting = false
  const look = (): void => {
    const wanted = storeVersionAt(store.view().featureLevel)
    if (isWriting || wanted <= present) return
    isWriting = true
    const written = (): void => {
      isWriting = false
      present = wanted
      log.info('the data directory has a newer form; older versions cannot be installed any more', {
        form: wanted,
      })
      look()
    }
    writeFormat(writer, written, wanted)
  }
  store.onCommit(look)
  store.onReplaced(look)
  look()
}
