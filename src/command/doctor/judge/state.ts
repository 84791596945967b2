/** Do the folders of state and sockets belong to whom they should, are keys closed to others, and is there room on the disk? */
import { amiss, type Line, unseen, well } from '../line.ts'
import { type Account, octal, type PathFacts } from './account.ts'

export interface StateFolderFacts {
  readonly path: string
  readonly account: Account
  /** Undefined: not there, which is no fault before the first start. */
  readonly folder: PathFacts | undefined
  /** What lies below, as far as this user may look; undefined: it may not. */
  readonly below: readonly PathFacts[] | undefined
}

/** Names of files that hold a key, whoever wrote them. */
const key = /(\.key|\.key\.next|gossip-keys\.json)$/
/** Members of a program's group may be given its token. */
const token = /\.token$/
const openToOthers = 0o077
const openBeyondGroup = 0o027

/** Bits that a file of this name must not have. */
function forbidden(path: string): number {
  if (key.test(path)) return openToOthers
  return token.test(path) ? openBeyondGroup : 0
}

export function judgeStateFolder({ path, account, folder, below }: StateFolderFacts): readonly Line[] {
  if (folder === undefined) return [well(`${path} is not there yet; the first start makes it`)]
  const give = `chown -R ${account.name}: ${path}`
  const lines: Line[] = []
  if (folder.uid !== account.uid)
    lines.push(
      amiss('state-owner', `${path} belongs to user id ${folder.uid}, ${account.name} needs it`, give),
    )
  if ((folder.mode & openToOthers) !== 0)
    lines.push(
      amiss('state-open', `${path} has mode ${octal(folder.mode)}, others may look in`, `chmod 0700 ${path}`),
    )
  const foreign = below?.find(({ uid }) => uid !== account.uid)
  if (foreign !== undefined && folder.uid === account.uid)
    lines.push(
      amiss('state-owner', `${foreign.path} belongs to user id ${foreign.uid}, not to ${account.name}`, give),
    )
  for (const file of below ?? [])
    if (!file.isFolder && (file.mode & forbidden(file.path)) !== 0)
      lines.push(amiss('key-open', `${file.path} has mode ${octal(file.mode)}`, `chmod 0600 ${file.path}`))
  if (lines.length > 0) return lines
  return below === undefined
    ? [unseen(`what lies in ${path} cannot be seen by this user`)]
    : [well(`${path} belongs to ${account.name} alone`)]
}

export interface SocketFolderFacts {
  readonly path: string
  readonly wanted: { readonly owner: string; readonly group: string; readonly mode: number }
  /** Undefined: not there. Owner and group are names, or ids where they have none. */
  readonly found: { readonly owner: string; readonly group: string; readonly mode: number } | undefined
}

export function judgeSocketFolders(folders: readonly SocketFolderFacts[]): readonly Line[] {
  const lines = folders.flatMap(({ path, wanted, found }) => {
    const shown = (one: SocketFolderFacts['wanted']): string => `${one.owner}:${one.group} ${octal(one.mode)}`
    if (found !== undefined && shown(found) === shown(wanted)) return []
    const state = found === undefined ? 'is not there' : `is ${shown(found)}`
    return [
      amiss(
        'socket-folder-wrong',
        `${path} ${state}, it should be ${shown(wanted)}`,
        'systemd-tmpfiles --create mesh-agent.conf',
      ),
    ]
  })
  return lines.length > 0 || folders.length === 0 ? lines : [well('the folders of the sockets are right')]
}

export interface DiskFacts {
  /** The data directory, or the nearest folder above it that there is. */
  readonly path: string
  readonly isReadOnly: boolean
  /** Undefined where it cannot be asked. */
  readonly room:
    | {
        readonly totalBytes: number
        readonly freeBytes: number
        /** 0 where the file system counts none. */
        readonly totalFiles: number
        readonly freeFiles: number
      }
    | undefined
}

/** Below this a server takes no write, and an agent may fail to keep a registration. */
const noneBytes = 16 * 1024 * 1024
const lowBytes = 1024 * 1024 * 1024
const lowShare = 0.05
const noneFiles = 64

export function judgeDisk({ path, isReadOnly, room }: DiskFacts): readonly Line[] {
  if (isReadOnly)
    return [amiss('disk-read-only', `${path} is on a read-only file system`, readOnlyRemedy(path))]
  if (room === undefined) return [unseen(`the disk of ${path} cannot be asked for its room`)]
  const { totalBytes, freeBytes, totalFiles, freeFiles } = room
  const free = `${megabytes(freeBytes)} of ${megabytes(totalBytes)} free`
  const look = `du -xh ${path} | sort -h | tail`
  if (freeBytes < noneBytes) return [amiss('disk-space-none', `the disk of ${path} is full: ${free}`, look)]
  if (totalFiles > 0 && freeFiles < noneFiles)
    return [
      amiss(
        'disk-files-none',
        `the file system of ${path} has ${freeFiles} inodes left of ${totalFiles}`,
        `df -i ${path}`,
      ),
    ]
  if (freeBytes < lowBytes && freeBytes < totalBytes * lowShare)
    return [amiss('disk-space-low', `the disk of ${path} is almost full: ${free}`, look)]
  return [well(`the disk of ${path} has room: ${free}`)]
}

const readOnlyRemedy = (path: string): string =>
  `dmesg | tail, then: mount -o remount,rw "$(findmnt -no TARGET -T ${path})"`

const megabytes = (bytes: number): string => `${Math.floor(bytes / (1024 * 1024))} MiB`
