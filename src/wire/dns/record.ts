/** Resource records that we write, with what each carries. Names are dotted text without the last dot, '' is the root. */
export type DnsRecord = { readonly name: string; readonly ttlSeconds: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: Uint8Array }
  | { readonly type: 'NS' | 'CNAME' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | { readonly type: 'TXT'; readonly text: string }
  | {
      readonly type: 'SOA'
      readonly primary: string
      readonly mailbox: string
      readonly serial: number
      readonly refreshSeconds: number
      readonly retrySeconds: number
      readonly expireSeconds: number
      /** How long a negative answer may be kept. */
      readonly minimumSeconds: number
    }
)

/** One record of the answer section, and what saves the client the next question. */
export interface DnsAnswer {
  readonly record: DnsRecord
  /** The same object may stand beside several answers; it is written once. */
  readonly additional: readonly DnsRecord[]
}
