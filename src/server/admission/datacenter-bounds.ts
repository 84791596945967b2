/** Size of what may become known of another datacenter. That it fits together is apply/datacenter.ts. */
import type { PublicCaRoot } from '../../model/authority.ts'
import type { Datacenter } from '../../model/datacenter.ts'
import { failed, ok, type Result } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import { createTrust } from '../../wire/x509/chain.ts'

const namePattern = /^[a-z0-9_-]{1,63}$/
const addressPattern = /^[\x21-\x7e]{1,300}$/

export function checkDatacenterBounds(datacenter: Datacenter): Result<true> {
  const { name, clusterId, hostRoots, serviceRoots, servers, gossip } = datacenter
  const fault =
    (namePattern.test(name) ? '' : 'its name is no name of a datacenter') ||
    (/^[0-9a-f-]{36}$/.test(clusterId) ? '' : 'its cluster id is none') ||
    rootsFault(hostRoots) ||
    rootsFault(serviceRoots) ||
    addressesFault(servers) ||
    addressesFault(gossip)
  return fault === '' ? ok(true) : failed('bad-request', `the description of a datacenter: ${fault}`)
}

function rootsFault(roots: readonly PublicCaRoot[]): string {
  if (roots.length > limits.datacenterRoots)
    return `it has more than ${limits.datacenterRoots} roots of a plane`
  if (!roots.every(({ certificatePem }) => certificatePem.length <= limits.certificateBytes))
    return 'a root is larger than a certificate may be'
  // Whoever reads the state makes trust of it, every proxy among them.
  const trust = createTrust(roots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem })))
  return trust.ok ? '' : 'a root is no certificate of an authority'
}

function addressesFault(addresses: readonly string[]): string {
  if (addresses.length > limits.serverAddresses) return `it has more than ${limits.serverAddresses} addresses`
  return addresses.every((address) => addressPattern.test(address)) ? '' : 'an address is not host:port'
}
