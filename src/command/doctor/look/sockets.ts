/**
 * Which sockets of this host listen and whose they are, from the kernel's tables (format: proc(5)). The tables are open to
 * every user; which process holds a socket only root sees.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { endianness } from 'node:os'
import type { HeldPort, Protocol } from '../judge/ports.ts'

interface Row extends Omit<HeldPort, 'holder'> {
  readonly inode: string
}

const tables = [
  ['tcp', 'tcp'],
  ['tcp6', 'tcp'],
  ['udp', 'udp'],
  ['udp6', 'udp'],
] as const satisfies readonly (readonly [string, Protocol])[]

/** LISTEN for TCP; for UDP an unconnected socket. */
const waitingState: Readonly<Record<Protocol, string>> = { tcp: '0A', udp: '07' }

/** Undefined where the tables cannot be read. */
export function heldPorts(proc = '/proc'): readonly HeldPort[] | undefined {
  const rows: Row[] = []
  let isSeen = false
  for (const [file, protocol] of tables) {
    const text = textOf(`${proc}/net/${file}`)
    isSeen ||= text !== ''
    rows.push(...text.split('\n').flatMap((line) => rowOf(line, protocol)))
  }
  if (!isSeen) return undefined
  const holders = holdersOf(new Set(rows.map(({ inode }) => inode)), proc)
  return rows.map(({ inode, ...row }) => ({ ...row, holder: holders.get(inode) ?? '' }))
}

const fieldAt = { local: 1, state: 3, uid: 7, inode: 9 } as const

function rowOf(line: string, protocol: Protocol): readonly Row[] {
  const fields = line.trim().split(/\s+/)
  if (fields[fieldAt.state] !== waitingState[protocol]) return []
  const [address = '', port = ''] = (fields[fieldAt.local] ?? '').split(':')
  return [
    {
      protocol,
      address: readAddress(address),
      port: Number.parseInt(port, 16),
      uid: Number(fields[fieldAt.uid]),
      inode: fields[fieldAt.inode] ?? '',
    },
  ]
}

/** 32-bit words as this machine writes numbers. IPv4 inside IPv6 is shown as IPv4. */
function readAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  if (endianness() === 'LE') for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse()
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2))
  if (groups.every((group) => group === 0)) return '::'
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return bytes.subarray(12).join('.')
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]/`).hostname.slice(1, -1)
}

/** "name (pid 1)" by inode, as far as this user may see. */
function holdersOf(inodes: ReadonlySet<string>, proc: string): ReadonlyMap<string, string> {
  const holders = new Map<string, string>()
  for (const pid of namesIn(proc).filter((name) => /^\d+$/.test(name)))
    for (const descriptor of namesIn(`${proc}/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${proc}/${pid}/fd/${descriptor}`))?.[1]
      if (inode !== undefined && inodes.has(inode) && !holders.has(inode))
        holders.set(inode, `${nameOf(pid, proc)} (pid ${pid})`)
    }
  return holders
}

/** As it was called; the kernel's own short name of a Node.js process is that of its thread. */
function nameOf(pid: string, proc: string): string {
  const [program = ''] = textOf(`${proc}/${pid}/cmdline`).split('\0')
  // Words of other users' processes must not reach a terminal unclean.
  const name =
    program
      .split('/')
      .at(-1)
      ?.replace(/[^\x21-\x7e]/g, '?') ?? ''
  return name === '' ? 'a process' : name.slice(0, 64)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
