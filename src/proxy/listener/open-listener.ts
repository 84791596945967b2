/** What the two kinds of listener have in common, for those who open and close them. */
import type net from 'node:net'
import type { EndCode } from '../../wire/tunnel/codes.ts'

export interface OpenListener {
  readonly server: net.Server
  /** Connections that are open, also those that have not shaken hands yet. */
  count(): number
  /** Accepts no more; what is open goes on. */
  leave(): void
  /** Ends every open connection, also one that is shaking hands. */
  cut(code: EndCode): void
}
