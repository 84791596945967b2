/** Commands about gossip between hosts: join, force-leave, rtt, keygen, keyring. */
import type { Command } from 'commander'
import { contextOf, declare, type SharedOptions, withConnection } from './declare.ts'
import type { ForceLeaveOptions } from './join.ts'
import type { KeyringOptions } from './keyring.ts'

export function declareGossip(program: Command): void {
  withConnection(declare(program, 'join <address...>', 'make this host meet others, by their addresses'))
    .summary('meet other hosts')
    .addHelpText('after', '\nHosts that are enrolled meet by themselves, through the servers.')
    .action(async (addresses: readonly string[], options: SharedOptions) => {
      const { joinHosts } = await import('./join.ts')
      await joinHosts(contextOf(options), addresses)
    })
  const leaving = declare(program, 'force-leave <node>', 'let a failed host count as left').option(
    '--prune',
    'and forget it at once',
  )
  withConnection(leaving).action(async (node: string, options: SharedOptions & ForceLeaveOptions) => {
    const { forceLeave } = await import('./join.ts')
    await forceLeave(contextOf(options), node, options)
  })
  withConnection(declare(program, 'rtt <node> [other]', 'estimate round trips between hosts')).action(
    async (node: string, other: string | undefined, options: SharedOptions) => {
      const { estimateRoundTrip } = await import('./round-trip.ts')
      await estimateRoundTrip(contextOf(options), node, other)
    },
  )
  declareKeys(program)
}

function declareKeys(program: Command): void {
  declare(program, 'keygen', 'make a key for gossip').action(async () => {
    const { makeKey } = await import('./keyring.ts')
    makeKey(contextOf({}))
  })
  const keyring = declare(program, 'keyring', 'list and change the keys of gossip on all hosts')
    .summary('keys of gossip')
    .option('--list', 'list the keys, and on how many hosts each is')
    .option('--install <key>', 'make all hosts understand this key; - reads it from standard input')
    .option('--use <key>', 'make all hosts encrypt with this key')
    .option('--remove <key>', 'make all hosts forget this key')
    .option('--relay-factor <number>', 'members that pass each answer on, 0 to 5')
    .addHelpText(
      'after',
      '\nTo change the key: install the new one, use it, remove the old one.\nOnly where `encrypt` is written in the configuration; else the servers do it.',
    )
  withConnection(keyring).action(async (options: SharedOptions & KeyringOptions) => {
    const { changeKeyring } = await import('./keyring.ts')
    await changeKeyring(contextOf(options), options)
  })
}
