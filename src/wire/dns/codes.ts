/**
 * Numbers of the DNS protocol that we speak, with their names: RFC 1035 (types, classes, response codes), RFC 2782 (SRV),
 * RFC 3596 (AAAA), RFC 6891 (OPT, BADVERS). Which of them is answered how is the agent's business (agent/dns).
 */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const classIn = 1
export const classAny = 255

export const rcodes = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  /** Needs EDNS to be said: its upper bits travel in the OPT record. */
  badVers: 16,
} as const

export type Rcode = (typeof rcodes)[keyof typeof rcodes]

/** Bits of the third and fourth byte of a header, as one number. */
export const flags = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
} as const

export const headerBytes = 12
/** An OPT record without options. */
export const optBytes = 11
/** What a client without EDNS takes over UDP. */
export const plainUdpBytes = 512
/** What the length before a message over TCP can say. */
export const largestMessageBytes = 65_535

const namesByType = new Map<number, string>(Object.entries(recordTypes).map(([name, code]) => [code, name]))

/** `A`, `SRV`, …; `other` for what we have no name for. */
export const typeName = (type: number): string => namesByType.get(type) ?? 'other'

const rcodeNames: Readonly<Record<Rcode, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
}

export const rcodeName = (rcode: Rcode): string => rcodeNames[rcode]
