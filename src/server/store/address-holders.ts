/**
 * Who has an IP address: nodes, and services with an address of their own. For questions that begin with the address; made
 * again from the rows when a state is loaded. Equal addresses are one, however they were written.
 */
import { addressBytes, addressText } from '../../wire/dns/address.ts'
import { key1, key3 } from './keys.ts'
import type { TreeEdit } from './tree-edit.ts'

export interface AddressHolder {
  readonly node: string
  /** Name of the service; '' where the node itself has the address. */
  readonly service: string
}

/** Beginning of the keys of an address; undefined for a host name, which nobody asks for backwards. */
export function addressKey(address: string): string | undefined {
  const bytes = addressBytes(address)
  return bytes === undefined ? undefined : key1(addressText(bytes))
}

/** `serviceId` is '' for the node itself. `before` and `after` are addresses, '' where there is none. */
export function placeAddress(
  edit: TreeEdit<AddressHolder>,
  { node, serviceId, service }: AddressHolder & { readonly serviceId: string },
  before: string,
  after: string,
): void {
  const old = addressKey(before)
  const place = addressKey(after)
  if (old !== undefined && old !== place) edit.delete(old + key3(node, serviceId, ''))
  if (place !== undefined) edit.set(place + key3(node, serviceId, ''), { node, service })
}
