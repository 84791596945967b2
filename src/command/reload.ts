/** `mesh reload`: the agent reads its files again; with a mistake in them it keeps what it had and says why. */
import type { Context } from './declare.ts'

export async function reload(context: Context): Promise<void> {
  await context.client().ask('PUT', '/v1/agent/reload')
  context.terminal.line('Configuration reloaded.')
}
