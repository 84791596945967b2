/** `mesh ca roots`: what the services of the mesh trust, and until when. */
import type { CaRootListJson } from '../wire/http-json/authority.ts'
import type { Context } from './declare.ts'

export async function listRoots(context: Context, options: { readonly pem?: true }): Promise<void> {
  const { terminal } = context
  if (options.pem === true) {
    const reply = await context.client().ask('GET', '/v1/connect/ca/roots?pem=true')
    terminal.line(reply.text.trimEnd())
    return
  }
  const list = (await context.client().ask('GET', '/v1/connect/ca/roots')).json<CaRootListJson>()
  terminal.show(list, () => {
    terminal.line(`Trust domain: ${list.TrustDomain}`)
    terminal.table(
      ['id', 'name', 'active', 'expires'],
      list.Roots.map((root) => [root.ID, root.Name, root.Active ? 'yes' : 'no', root.NotAfter]),
    )
  })
}
