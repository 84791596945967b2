/**
 * Tells when configuration files may have changed. The kernel's notice makes it quick; comparing what lies there every
 * few seconds makes it sure, where notices are lost (network file systems, symbolic links, folders made later).
 */
import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'

const compareEveryMs = 5_000
/** Notices come in bursts, one per step of a write; each comparison looks at every file. */
const burstMs = 50

export type ListPaths = (paths: readonly string[]) => { readonly found: readonly string[] }

/** `list` turns `paths` into files; `onChange` is called when a file came, went, or has new content or a new place. */
export function watchFiles(
  paths: readonly string[],
  list: ListPaths,
  onChange: () => void,
): { close(): void } {
  let before = signature(list(paths).found)
  const compare = (): void => {
    const now = signature(list(paths).found)
    if (now === before) return
    before = now
    onChange()
  }
  let burst: NodeJS.Timeout | undefined
  const notice = (): void => {
    burst ??= setTimeout(() => {
      burst = undefined
      compare()
    }, burstMs)
  }
  const watchers = new Set(paths.flatMap((path) => noticesOf(path, notice)))
  const timer = setInterval(compare, compareEveryMs)
  return {
    close() {
      clearInterval(timer)
      clearTimeout(burst)
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** Editors replace a file by renaming another over it, so a file is watched through its folder. */
function noticesOf(path: string, notice: () => void): readonly FSWatcher[] {
  try {
    const folder = statSync(path).isDirectory() ? path : dirname(path)
    const watcher = watch(folder, { persistent: false }, notice)
    // A folder that goes away ends its notices; the comparison goes on.
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    // Missing, or the kernel has no watch left: the comparison is enough.
    return []
  }
}

/** Nanosecond times, size and inode: two writes in one millisecond still differ. */
function signature(paths: readonly string[]): string {
  return paths
    .map((path) => {
      try {
        const stat = statSync(path, { bigint: true })
        return `${path} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
      } catch {
        return `${path} gone`
      }
    })
    .join('\n')
}
