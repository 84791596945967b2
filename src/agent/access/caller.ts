/**
 * Who calls the agent's API, from the connection and the token alone, and what such a caller may do here. What an operator
 * token is worth only a server knows: `operator` tokens are handed on and judged there.
 */
import { failed, ok, type Result } from '../../model/errors.ts'
import { isToken } from './local-token.ts'

export interface Connection {
  readonly kind: 'unix' | 'tcp'
  /** Address of the other side; '' for a unix socket. */
  readonly address: string
}

export interface Caller {
  /** On this machine: reads are open to it. */
  readonly near: boolean
  /** May act for this host: the unix socket (its file permissions let the caller in) or the local token. */
  readonly local: boolean
  /** A token that is not the local one, to be judged by a server; '' where there is none. */
  readonly operatorToken: string
}

/** What an endpoint asks of its caller. */
export type Need =
  /** Shows state. */
  | 'read'
  /** Changes this host's registrations, or hands out a key of this host. */
  | 'local'
  /** Changes cluster-wide state; the server that gets the write judges the token. */
  | 'operate'

/** Lists the places of a token in the order in which Consul reads them; the first one that is not empty counts. */
export function tokenOf(places: {
  readonly query: string | null
  readonly header: string | undefined
  readonly authorization: string | undefined
}): string {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(places.authorization ?? '')?.[1]
  return places.query || places.header?.trim() || bearer || ''
}

export function identifyCaller(connection: Connection, token: string, localToken: string): Caller {
  const unix = connection.kind === 'unix'
  const isLocalToken = token !== '' && isToken(token, localToken)
  return {
    near: unix || isLoopback(connection.address),
    local: unix || isLocalToken,
    operatorToken: isLocalToken ? '' : token,
  }
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}

/** `ask-server`: the answer hangs on what the operator token is worth. */
export type Admission = 'admitted' | 'ask-server'

export function admit(caller: Caller, need: Need): Result<Admission> {
  switch (need) {
    case 'read':
      if (caller.near || caller.local) return ok('admitted')
      if (caller.operatorToken !== '') return ok('ask-server')
      return failed('no-token', 'reading from another machine needs a token')
    case 'local':
      if (caller.local) return ok('admitted')
      if (caller.operatorToken !== '') return ok('ask-server')
      return failed('no-token', 'this call acts for the host and came without a token')
    case 'operate':
      if (caller.operatorToken !== '') return ok('admitted')
      if (caller.local)
        return failed(
          'bad-token',
          'this change is cluster-wide, and the caller only has rights over this host',
        )
      return failed('no-token', 'this change is cluster-wide and came without an operator token')
  }
}
