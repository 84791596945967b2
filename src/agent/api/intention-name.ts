/** Names of services as the intention endpoints take them, with or without the one namespace and partition that exist. */
import { ApiRefusal } from './refusal.ts'

/** `web`, `default/web` and `default/default/web` are the same service; other namespaces and peers do not exist here. */
export function plainName(text: string): string {
  if (text.startsWith('peer:'))
    throw new ApiRefusal(
      'unsupported-feature',
      `"${text.slice(0, 128)}": intentions for peers are not supported by this version (unsupported-feature)`,
    )
  const parts = text.split('/')
  const name = parts.pop() ?? ''
  if (name === '' || parts.length > 2 || parts.some((part) => part !== 'default'))
    throw new ApiRefusal(
      'bad-request',
      `"${text.slice(0, 128)}" is no service name here: write the bare name, or default/NAME`,
    )
  return name
}
