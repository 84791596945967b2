/**
 * Owners of loopback connections behind the `SocketOwners` port, from /proc/net/tcp and tcp6 (format: proc(5) and
 * Documentation/networking/proc_net_tcp.rst of Linux). Reads that are asked for at the same time share one look.
 */
import { readFile } from 'node:fs'
import { endianness } from 'node:os'
import { limits } from '../model/limits.ts'
import type { SocketOwners, TcpEnds } from './ports.ts'

interface Question {
  readonly v4: string
  readonly v6: string
  looksLeft: number
  readonly done: (uid: number | undefined) => void
}

/** Only a socket that is held by somebody has an owner: what the kernel finishes alone is shown as root's. */
const noInode = '0'
/** ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT: the client may have ended its direction already. */
const openStates = new Set(['01', '04', '05', '08'])
const fieldAt = { local: 1, remote: 2, state: 3, uid: 7, inode: 9 } as const

export function createSocketOwners(folder: string = '/proc/net'): SocketOwners {
  let waiting: Question[] = []
  let looking = false

  const look = (): void => {
    looking = true
    const questions = waiting
    waiting = []
    readRows(`${folder}/tcp`, (tcp) => {
      readRows(`${folder}/tcp6`, (tcp6) => {
        answer(questions, tcp, tcp6)
        if (waiting.length > 0) look()
        else looking = false
      })
    })
  }

  const answer = (questions: readonly Question[], tcp: string, tcp6: string): void => {
    for (const question of questions) {
      const uid = uidIn(tcp, question.v4) ?? uidIn(tcp6, question.v6)
      question.looksLeft -= 1
      // The kernel writes the table piece by piece, and a row can slip through while others come and go.
      if (uid === undefined && question.looksLeft > 0) waiting.push(question)
      else question.done(uid)
    }
  }

  return {
    ownerOf(connection, done) {
      const ends = endsOf(connection)
      if (ends === undefined || waiting.length >= limits.ownerQuestions) {
        done(undefined)
        return
      }
      waiting.push({ ...ends, looksLeft: 3, done })
      if (!looking) look()
    },
  }
}

function readRows(path: string, done: (text: string) => void): void {
  readFile(path, 'latin1', (error, text) => done(error === null ? text : ''))
}

/** The client's row has the ends the other way round than we see them. */
function uidIn(table: string, ends: string): number | undefined {
  for (let at = table.indexOf(ends); at >= 0; at = table.indexOf(ends, at + 1)) {
    const start = table.lastIndexOf('\n', at) + 1
    const fields = table.slice(start, table.indexOf('\n', at)).trim().split(/\s+/)
    const isRow = `${fields[fieldAt.local] ?? ''} ${fields[fieldAt.remote] ?? ''}` === ends
    const isHeld = openStates.has(fields[fieldAt.state] ?? '') && fields[fieldAt.inode] !== noInode
    if (isRow && isHeld) return Number(fields[fieldAt.uid])
  }
  return undefined
}

function endsOf(connection: TcpEnds): { readonly v4: string; readonly v6: string } | undefined {
  const { remotePort, localPort } = connection
  const remote = addressBytes(connection.remoteAddress)
  const local = addressBytes(connection.localAddress)
  if (remote === undefined || local === undefined) return undefined
  const row = (wide: boolean): string =>
    `${shown(remote, wide)}:${portShown(remotePort)} ${shown(local, wide)}:${portShown(localPort)}`
  const isV4 = isMapped(remote) && isMapped(local)
  // A client may reach IPv4 through a socket of IPv6.
  return { v4: isV4 ? row(false) : noRow, v6: row(true) }
}

/** In no table. */
const noRow = '-'

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')
const isMapped = (bytes: Buffer): boolean => bytes.subarray(0, 12).equals(mappedPrefix)

/** Always 16 bytes. */
function addressBytes(address: string): Buffer | undefined {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  if (/^\d+(\.\d+){3}$/.test(plain))
    return Buffer.concat([mappedPrefix, Buffer.from(plain.split('.').map(Number))])
  const [before, after] = (plain.split('%')[0] ?? '').split('::')
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':')
  const left = groups(before)
  const right = groups(after)
  const middle = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const all = [...left, ...middle, ...right]
  return all.length === 8
    ? Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
    : undefined
}

/** 32-bit words of the address as numbers of this machine. */
function shown(bytes: Buffer, wide: boolean): string {
  const words = wide ? [0, 4, 8, 12] : [12]
  const read = (at: number): number =>
    endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  return words.map((at) => read(at).toString(16).toUpperCase().padStart(8, '0')).join('')
}

const portShown = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
