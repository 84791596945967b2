/**
 * IP addresses as bytes, as text, and as the names under which they are asked for backwards (RFC 1035, section 3.5;
 * RFC 3596, section 2.5). Knows nothing of who has which address.
 */
const hexDigits = /^[0-9a-f]+$/

/** 4 or 16 bytes, or undefined for what is no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text)
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (const [at, part] of parts.entries()) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bytes[at] = Number(part)
  }
  return bytes
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] ?? '')
  const tail = groups(halves[1] ?? '')
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** Bytes of groups between colons; the last one may be an IPv4 address. */
function groups(text: string): readonly number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    const ipv4 = at === parts.length - 1 && part.includes('.') ? ipv4Bytes(part) : undefined
    if (ipv4 !== undefined) bytes.push(...ipv4)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const group = Number.parseInt(part, 16)
      bytes.push(group >> 8, group & 0xff)
    } else return undefined
  }
  return bytes.length > 16 ? undefined : bytes
}

/** The usual text of 4 or 16 bytes; the longest run of zero groups is left out (RFC 5952). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  let from = 0
  let length = 0
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && words[end] === 0) end++
    if (end - at > length) [from, length] = [at, end - at]
  }
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':')
  return length < 2 ? hex(words) : `${hex(words.slice(0, from))}::${hex(words.slice(from + length))}`
}

/** `0a000001` for 10.0.0.1: the label under which Consul names an address. */
export function addressHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function hexAddress(label: string): Uint8Array | undefined {
  if ((label.length !== 8 && label.length !== 32) || !hexDigits.test(label)) return undefined
  return Uint8Array.from({ length: label.length / 2 }, (_, at) =>
    Number.parseInt(label.slice(2 * at, 2 * at + 2), 16),
  )
}

/** The address that `4.3.2.1.in-addr.arpa` and its like ask about, from lower-case labels; undefined for other names. */
export function reverseAddress(labels: readonly string[]): Uint8Array | undefined {
  const zone = labels.slice(-2).join('.')
  const digits = labels.slice(0, -2).reverse()
  if (zone === 'in-addr.arpa') return digits.length === 4 ? ipv4Bytes(digits.join('.')) : undefined
  if (zone !== 'ip6.arpa' || digits.length !== 32) return undefined
  return digits.every((digit) => digit.length === 1) ? hexAddress(digits.join('')) : undefined
}
