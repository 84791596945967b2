/** `mesh ca`: the roots that services trust, and how they are replaced. What the commands do stands in the files of their names. */
import type { Command } from 'commander'
import { contextOf, declare, declareDefault, type SharedOptions, withConnection } from './declare.ts'
import type { RotateOptions } from './root-rotation.ts'

export function declareAuthority(program: Command): void {
  const authority = declare(program, 'ca', 'show the certificate authority, replace its root').summary(
    'show the certificate authority',
  )
  const roots = declareDefault(authority, 'roots', 'list the roots that services trust')
  roots.option('--pem', 'print the certificates themselves')
  withConnection(roots).action(async (options: SharedOptions & { readonly pem?: true }) => {
    const { listRoots } = await import('./authority.ts')
    await listRoots(contextOf(options), options)
  })
  const rotate = declare(authority, 'rotate', 'replace the root that services trust, failing no connection')
    .summary('replace the root that services trust')
    .option('--wait <duration>', 'how long to wait until all proxies trust it, at most 60s', '30s')
    .option('--force', 'go on without proxies that did not answer: they will refuse new certificates')
  withConnection(rotate).action(async (options: SharedOptions & RotateOptions) => {
    const { rotateRoot } = await import('./root-rotation.ts')
    await rotateRoot(contextOf(options), options)
  })
  const remove = declare(authority, 'remove <id>', 'trust an old root no more')
    .option('--force', 'also while its certificates may be valid: their connections are cut')
    .addHelpText('after', '\nThe beginning of the id is enough; `mesh ca roots` lists them.')
  withConnection(remove).action(async (id: string, options: SharedOptions & { readonly force?: true }) => {
    const { removeRoot } = await import('./root-rotation.ts')
    await removeRoot(contextOf(options), id, options)
  })
}
