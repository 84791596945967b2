// A throw-away authority with one certificate for servers and clients, for peers that bring none of their own.
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

export interface CertificateFiles {
  readonly authority: string
  readonly certificate: string
  readonly key: string
  readonly certificatePem: string
  readonly keyPem: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

/** The certificate is for server and client use at these addresses. */
export async function writeCertificates(
  folder: string,
  addresses: readonly string[],
): Promise<CertificateFiles> {
  x509.cryptoProvider.set(webcrypto as never)
  const [authorityKeys, keys] = await Promise.all([generate(), generate()])
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) }
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=peer authority',
    keys: authorityKeys as never,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: 'CN=peer',
    issuer: authority.subject,
    publicKey: keys.publicKey as never,
    signingKey: authorityKeys.privateKey as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(
        addresses.map((address) => ({ type: 'ip', value: address }) as const),
      ),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const keyPem = x509.PemConverter.encode(pkcs8 as never, 'PRIVATE KEY')
  const files = {
    authority: join(folder, 'authority.crt'),
    certificate: join(folder, 'peer.crt'),
    key: join(folder, 'peer.key'),
  }
  writeFileSync(files.authority, authority.toString('pem'))
  writeFileSync(files.certificate, certificate.toString('pem'))
  writeFileSync(files.key, keyPem, { mode: 0o600 })
  return { ...files, certificatePem: certificate.toString('pem'), keyPem }
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
}
