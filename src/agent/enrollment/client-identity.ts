/** What the RPC client shows and trusts, made from this host's identity: asked for anew at every connection. */
import type { Result } from '../../model/errors.ts'
import type { ClientIdentity } from '../../rpc/channel-credentials.ts'
import { createTrust } from '../../wire/x509/chain.ts'
import type { HostIdentity } from './identity-files.ts'

/** Fails where the stored roots are damaged. */
export function clientIdentityOf(host: HostIdentity): Result<ClientIdentity> {
  const { certificatePem, privateKeyPem, datacenter } = host
  const roots = host.hostRoots.map(({ trustDomain, certificatePem: pem }) => ({ trustDomain, pem }))
  const trust = createTrust(roots)
  if (!trust.ok) return trust
  return {
    ok: true,
    value: { kind: 'host', tls: { certificatePem, privateKeyPem }, trust: trust.value, datacenter },
  }
}
