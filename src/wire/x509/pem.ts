/** PEM (RFC 7468): certificates and keys between bytes and the text that files and TLS libraries take. */

/** `label` is what stands after BEGIN, such as `CERTIFICATE`. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

const certificateBlock = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/** All certificates of a PEM text in order; other blocks are passed over. */
export function decodeCertificatePems(text: string): readonly Uint8Array[] {
  return Array.from(text.matchAll(certificateBlock), (match) => Buffer.from(match[1] ?? '', 'base64'))
}

export const encodeCertificatePem = (der: Uint8Array): string => encodePem('CERTIFICATE', der)
