// Certificates that openssl made, with an intermediate authority between root and leaf, on both sides of a tunnel.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LeafResource, RootsResource } from '../../../src/model/proxy-config.ts'
import {
  endpoint,
  endpoints,
  exchange,
  freePort,
  inbound,
  outbound,
  policy,
  startHost,
  startService,
  temporaryFolder,
} from './lab.ts'

const trustDomain = '22222222-2222-3333-4444-555555555555.consul'

/** Makes root, intermediate and leaves in `folder`; leaves come with the intermediate behind them. */
function authority(folder: string): { roots: RootsResource; leaf: (service: string) => LeafResource } {
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: readonly string[]): unknown =>
    execFileSync('openssl', args, { stdio: 'pipe', cwd: folder })
  const key = (name: string): unknown =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`)
  const certify = (name: string, issuer: string, extensions: readonly string[]): void => {
    key(name)
    writeFileSync(file(`${name}.ext`), extensions.join('\n'))
    openssl(
      'req',
      '-new',
      '-key',
      `${name}.key`,
      '-subj',
      name === 'intermediate' ? '/CN=intermediate' : '/',
      '-out',
      `${name}.csr`,
    )
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${issuer}.pem`,
      '-CAkey',
      `${issuer}.key`,
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    )
  }
  const ofAuthority = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
    `subjectAltName=URI:spiffe://${trustDomain}`,
  ]
  key('root')
  openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'root.key',
    '-subj',
    '/CN=root',
    '-days',
    '9',
    '-out',
    'root.pem',
    '-addext',
    `subjectAltName=URI:spiffe://${trustDomain}`,
  )
  certify('intermediate', 'root', ofAuthority)
  return {
    roots: { kind: 'roots', name: trustDomain, pems: [readFileSync(file('root.pem'), 'utf8')] },
    leaf(service) {
      const uri = `spiffe://${trustDomain}/ns/default/dc/dc1/svc/${service}`
      certify(service, 'intermediate', [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        'extendedKeyUsage=clientAuth,serverAuth',
        `subjectAltName=critical,URI:${uri}`,
      ])
      const read = (name: string): string => readFileSync(file(name), 'utf8')
      return {
        kind: 'leaf',
        name: service,
        uri,
        certificatePem: read(`${service}.pem`) + read('intermediate.pem'),
        privateKeyPem: read(`${service}.key`),
        notAfterMs: Date.now() + 86_400_000,
      }
    },
  }
}

test('chains with an intermediate are accepted in both directions', async () => {
  const folder = temporaryFolder()
  const [web, backend, service] = await Promise.all([
    startHost(folder.path),
    startHost(folder.path),
    startService(),
  ])
  const { roots, leaf } = authority(folder.path)
  const [publicPort, upstreamPort] = [await freePort(), await freePort()]
  await backend.publish([
    roots,
    leaf('backend'),
    policy('backend', 'allow'),
    inbound('backend', publicPort, service.port),
  ])
  await web.publish([
    roots,
    leaf('web'),
    endpoints('backend', [endpoint('beta/b', publicPort)]),
    outbound('web', 'backend', upstreamPort),
  ])
  expect(await exchange(upstreamPort, 'through two authorities')).toBe('through two authorities')
  await Promise.all([web.stop(), backend.stop(), service.close()])
  folder.remove()
})
