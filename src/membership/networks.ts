/** Networks that members may be in, as operators write them: `10.0.0.0/8`, `fd00::/8`, or a single address. */
import { BlockList, isIP } from 'node:net'
import { failed, ok, type Result } from '../model/errors.ts'

/** True for addresses in one of them; with none given, for all. */
export type IsAllowed = (address: string) => boolean

export function allowedNetworks(texts: readonly string[]): Result<IsAllowed> {
  if (texts.length === 0) return ok(() => true)
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', bits] = text.split('/')
    const kind = isIP(address)
    const widest = kind === 6 ? 128 : 32
    const prefix = bits === undefined ? widest : Number(bits)
    const isPrefix = Number.isInteger(prefix) && prefix >= 0 && prefix <= widest && bits !== ''
    if (kind === 0 || !isPrefix)
      return failed('invalid-config', `"${text}" is no network; write it as 10.0.0.0/8 or fd00::/8`)
    list.addSubnet(address, prefix, kind === 6 ? 'ipv6' : 'ipv4')
  }
  return ok((address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
}
