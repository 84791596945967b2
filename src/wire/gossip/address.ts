/**
 * Addresses as gossip carries them: 4 raw bytes for IPv4, 16 for IPv6. In the model they are text in its shortest form,
 * so that equal addresses are equal texts.
 */
import { isIP, isIPv4 } from 'node:net'

/** Undefined if the bytes are no address. IPv4 inside IPv6 counts as IPv4, as in Go. */
export function addressFromBytes(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return undefined
  if (isMapped(bytes)) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0))
  return shortestText(groups)
}

/** Undefined if the text is no address. */
export function addressToBytes(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (isIP(text) !== 6 || text.includes('%')) return undefined
  const [head = '', tail] = text.split('::')
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  const bytes = new Uint8Array(16)
  for (const [at, group] of [...before, ...zeros, ...after].entries()) {
    bytes[at * 2] = group >>> 8
    bytes[at * 2 + 1] = group & 0xff
  }
  return bytes
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at += 1) if (bytes[at] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

/** The longest run of two or more zero groups is left out, the first of equals (RFC 5952). */
function shortestText(groups: readonly number[]): string {
  let from = -1
  let length = 1
  for (let at = 0; at < 8; at += 1) {
    let run = 0
    while (at + run < 8 && groups[at + run] === 0) run += 1
    if (run > length) {
      from = at
      length = run
    }
  }
  const hex = groups.map((group) => group.toString(16))
  if (from < 0) return hex.join(':')
  return `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`
}
