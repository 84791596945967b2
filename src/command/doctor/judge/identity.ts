/** Is this host enrolled, is its certificate good, and if it is not: does the token that waits have a chance? */
import type { Failure, Result } from '../../../model/errors.ts'
import type { EnrollmentToken } from '../../../rpc/enrollment-token.ts'
import { amiss, type Line, unseen, well } from '../line.ts'
import { type Account, barrier, octal, type PathFacts } from './account.ts'

export interface IdentityFacts {
  readonly nodeName: string
  readonly datacenter: string
  /** This host runs a server, which lets its agent in by itself. */
  readonly isServer: boolean
  /** Before the first start. */
  readonly isBefore: boolean
  /** Folder of the agent's state. */
  readonly folder: string
  /** 'unseen': this user may not look. */
  readonly stored: Result<StoredIdentity | undefined> | 'unseen'
  readonly nowMs: number
  readonly agent: Account
  /** Undefined: the configuration names none. */
  readonly token: TokenFacts | undefined
}

export interface StoredIdentity {
  readonly node: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export interface TokenFacts {
  readonly path: string
  /** From the root down to the file; shorter where it is not there. */
  readonly way: readonly PathFacts[]
  readonly isThere: boolean
  /** 'unseen': this user may not read it. */
  readonly content: Result<EnrollmentToken> | 'unseen'
}

export function judgeIdentity(facts: IdentityFacts): readonly Line[] {
  const { stored, folder } = facts
  if (stored === 'unseen')
    return [unseen(`whether this host is enrolled cannot be seen: ${folder} is closed`)]
  if (!stored.ok) return [damaged(stored.failure, folder)]
  if (stored.value === undefined) return judgeStranger(facts)
  return [judgeStored(stored.value, facts)]
}

const damaged = (failure: Failure, folder: string): Line =>
  amiss(
    'identity-damaged',
    failure.message,
    `mv ${folder}/enrollment.json ${folder}/enrollment.json.old, then mesh enroll with a new token`,
  )

/** Renewal begins at half of a certificate's life; with so little left it has failed many times. */
const endingShare = 0.2

function judgeStored(stored: StoredIdentity, { nodeName, nowMs, folder }: IdentityFacts): Line {
  const { node, notBeforeMs, notAfterMs } = stored
  const look = 'journalctl -u mesh-agent -n 50 | grep certificate'
  if (node !== nodeName)
    return amiss(
      'identity-renamed',
      `this host is enrolled as "${node}", its configuration says "${nodeName}"`,
      `node_name = "${node}" in the configuration; or mv ${folder} ${folder}.old and enroll it as ${nodeName}`,
    )
  if (nowMs > notAfterMs)
    return amiss(
      'identity-expired',
      `the host’s certificate expired at ${time(notAfterMs)}`,
      `systemctl restart mesh-agent, which renews it as soon as a server is reached; else ${look}`,
    )
  if (nowMs < notBeforeMs)
    return amiss(
      'identity-early',
      `the host’s certificate is valid from ${time(notBeforeMs)}, and here it is ${time(nowMs)}`,
      'timedatectl set-ntp true',
    )
  if (notAfterMs - nowMs < (notAfterMs - notBeforeMs) * endingShare)
    return amiss('identity-ending', `the host’s certificate ends at ${time(notAfterMs)}`, look)
  return well(`this host is enrolled as ${node}, its certificate is good until ${time(notAfterMs)}`)
}

const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function judgeStranger(facts: IdentityFacts): readonly Line[] {
  const { isServer, isBefore, token, nodeName } = facts
  const ofToken = token === undefined ? [] : judgeToken(token, facts)
  if (ofToken.some(({ mark }) => mark !== 'ok')) return ofToken
  if (token !== undefined && isBefore) return ofToken
  if (isServer)
    return isBefore ? [well('this host is let in by its own server')] : [...ofToken, notEnrolled(nodeName)]
  return [...ofToken, notEnrolled(nodeName)]
}

const notEnrolled = (node: string): Line =>
  amiss(
    'host-not-enrolled',
    'this host is not enrolled: it has no certificate of the mesh',
    `mesh token create -node ${node} -service SERVICE -q > token on a server, then mesh enroll < token here`,
  )

function judgeToken(token: TokenFacts, facts: IdentityFacts): readonly Line[] {
  const { path, way, isThere, content } = token
  const give = `install -m 0400 -o ${facts.agent.name} TOKEN ${path}`
  if (!isThere) return [amiss('token-file-missing', `the token file ${path} is not there`, give)]
  const stop = barrier(facts.agent, way)
  if (stop !== undefined)
    return [
      amiss(
        'token-file-unreadable',
        `user ${facts.agent.name} cannot read ${path}: ${stop.path} has mode ${octal(stop.mode)}`,
        stop.isFolder ? `chmod o+x ${stop.path}` : `chown ${facts.agent.name} ${path} && chmod 0400 ${path}`,
      ),
    ]
  if (content === 'unseen') return [unseen(`the token file ${path} cannot be read by this user`)]
  if (!content.ok) return [amiss('token-damaged', `${path}: ${content.failure.message}`, give)]
  return judgeTokenFor(content.value, facts)
}

function judgeTokenFor({ node, datacenter }: EnrollmentToken, facts: IdentityFacts): readonly Line[] {
  const again = `mesh token create -node ${facts.nodeName} -service SERVICE on a server`
  if (node !== '' && node !== facts.nodeName)
    return [
      amiss(
        'token-for-other',
        `the enrollment token is for node "${node}", this one is "${facts.nodeName}"`,
        `node_name = "${node}" in the configuration, or ${again}`,
      ),
    ]
  if (datacenter !== facts.datacenter)
    return [
      amiss(
        'token-for-other',
        `the enrollment token is of datacenter "${datacenter}", this host is of "${facts.datacenter}"`,
        `datacenter = "${datacenter}" in the configuration, or ${again}`,
      ),
    ]
  return [well('the enrollment token is whole and made for this host')]
}
