// A throw-away authority with one certificate for servers and clients, for peers that bring none of their own.
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withPeculiar } from '../unit/x509/peculiar.ts'

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
  const made = { authorityPem: '', certificatePem: '', keyPem: '' }
  await withPeculiar(async (x509) => {
    Object.assign(made, await make(x509, addresses))
  })
  const files = {
    authority: join(folder, 'authority.crt'),
    certificate: join(folder, 'peer.crt'),
    key: join(folder, 'peer.key'),
  }
  writeFileSync(files.authority, made.authorityPem)
  writeFileSync(files.certificate, made.certificatePem)
  writeFileSync(files.key, made.keyPem, { mode: 0o600 })
  return { ...files, certificatePem: made.certificatePem, keyPem: made.keyPem }
}

type Library = Parameters<Parameters<typeof withPeculiar>[0]>[0]

async function make(
  x509: Library,
  addresses: readonly string[],
): Promise<{ readonly authorityPem: string; readonly certificatePem: string; readonly keyPem: string }> {
  x509.cryptoProvider.set(webcrypto)
  const [authorityKeys, keys] = await Promise.all([generate(), generate()])
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) }
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=peer authority',
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: 'CN=peer',
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(
        addresses.map((address) => ({ type: 'ip', value: address }) as const),
      ),
    ],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    authorityPem: authority.toString('pem'),
    certificatePem: certificate.toString('pem'),
    keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  }
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
}
