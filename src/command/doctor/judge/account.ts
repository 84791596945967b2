/** May an account of the system read a path, by owner, group and mode alone? Access lists and capabilities are not looked at. */

export interface Account {
  readonly name: string
  readonly uid: number
  /** The primary group first. */
  readonly gids: readonly number[]
}

export interface PathFacts {
  readonly path: string
  readonly isFolder: boolean
  readonly uid: number
  readonly gid: number
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
}

const readBit = 4
const searchBit = 1

/** `way`: the folders from the root down, then the file itself. The first one that stops the account, or undefined. */
export function barrier(account: Account, way: readonly PathFacts[]): PathFacts | undefined {
  if (account.uid === 0) return undefined
  return way.find((step, at) => !grants(account, step, at === way.length - 1 ? readBit : searchBit))
}

/** The first class that fits decides, as in the kernel: an owner without the right is refused although others have it. */
function grants({ uid, gids }: Account, step: PathFacts, bit: number): boolean {
  if (step.uid === uid) return ((step.mode >> 6) & bit) !== 0
  if (gids.includes(step.gid)) return ((step.mode >> 3) & bit) !== 0
  return (step.mode & bit) !== 0
}

/** As `chmod` takes it. */
export const octal = (mode: number): string => mode.toString(8).padStart(4, '0')
