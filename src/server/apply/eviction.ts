/**
 * Applies the shutting out of a host and the steps of the gossip keys. What follows from an eviction is elsewhere: servers
 * refuse the key (access/), proxies the leaves (events/contents.ts), the leader changes the gossip key
 * (leader/gossip-keys.ts).
 */
import type { Principal } from '../../model/access.ts'
import type { AppliedValue, Command } from '../../model/command.ts'
import { failed, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { serverServiceId } from '../../model/service.ts'
import { hostTagOf } from '../../wire/x509/host-tag.ts'
import { settingsKey } from '../store/keys.ts'
import { withoutIndexes } from '../store/row.ts'
import type { Transaction } from '../store/transaction.ts'
import { forgetEvictions, putEviction, putGossipKeys, putHost } from '../store/write-authority.ts'
import { removeNode } from '../store/write-catalog.ts'
import { type CommandOf, done, unchanged } from './outcome.ts'
import { nodeNameOf } from './registration.ts'

/** The host's row stays, with the key that is refused; its node leaves the catalog with all that is on it. */
export function applyHostEvict(
  tx: Transaction,
  { node }: CommandOf<'host.evict'>,
  atMs: number,
): Result<AppliedValue> {
  const host = tx.host(node)
  if (host === undefined) return failed('not-found', `no host "${node}" is enrolled`)
  if (host.evicted) return unchanged
  // It holds what seals the authority's keys: refusing its agent alone would look like safety.
  if (tx.hasService(node, serverServiceId))
    return failed('conflict', `a server runs on "${node}"; remove it from the cluster first`)
  forgetEvictions(tx, atMs - limits.evictionKeptMs)
  if (tx.edits.evictions.size >= limits.evictions)
    return failed(
      'conflict',
      `${limits.evictions} keys were evicted in ${keptDays} days; no more are remembered`,
    )
  putEviction(tx, {
    hostTag: hostTagOf(Buffer.from(host.publicKey, 'base64')),
    node,
    evictedAtMs: atMs,
  })
  putHost(tx, { ...withoutIndexes(host), evicted: true })
  removeNode(tx, node)
  return done
}

const keptDays = Math.round(limits.evictionKeptMs / 86_400_000)

/** A leader that heard of the host by gossip must not put it back. Operators may: they may mean another machine. */
export function mayRegister(tx: Transaction, principal: Principal, command: Command): boolean {
  if (principal.kind !== 'server' || command.type !== 'catalog.register') return true
  return tx.host(nodeNameOf(command))?.evicted !== true
}

export function applyGossipKeys(
  tx: Transaction,
  { keyring, casIndex }: CommandOf<'gossip-keys.set'>,
): Result<AppliedValue> {
  const before = tx.edits.gossipKeys.get(settingsKey)
  if ((before?.modifyIndex ?? 0) !== casIndex) return unchanged
  putGossipKeys(tx, keyring)
  return done
}
