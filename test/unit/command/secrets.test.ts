// What a debug bundle must not hold is taken out even where an answer should bring it by mistake.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { knownSecrets, withoutSecrets } from '../../../src/command/debug-secrets.ts'

const pem = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\nByqGSM49\n-----END PRIVATE KEY-----'

test.each([
  ['a private key', `before ${pem} after`, 'before [secret] after'],
  ['a private key inside JSON', JSON.stringify({ at: pem }), '{"at":"[secret]"}'],
  ['an EC key', pem.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY'), '[secret]'],
  [
    'a JSON field that names a token',
    '{"Token": "abc", "TTL": "10s"}',
    '{"Token": "[secret]", "TTL": "10s"}',
  ],
  [
    'a gossip key',
    '{"encrypt":"cg8StVXbQJ0gPvMd9o7yrg==","gossip_key":"x\\"y"}',
    '{"encrypt":"[secret]","gossip_key":"[secret]"}',
  ],
  ['a password in a log line', '{"msg":"x","db_password":"p w"}', '{"msg":"x","db_password":"[secret]"}'],
  ['a token that is known', 'X-Consul-Token: 0123456789abcdef.', 'X-Consul-Token: [secret].'],
  [
    'nothing',
    '{"Tokens": 5, "certificate": "-----BEGIN CERTIFICATE-----"}',
    '{"Tokens": 5, "certificate": "-----BEGIN CERTIFICATE-----"}',
  ],
])('%s', (_, text, clean) => {
  expect(withoutSecrets(text, ['0123456789abcdef'])).toBe(clean)
})

test('known are the tokens of this machine, of a flag and of the environment', () => {
  const data = mkdtempSync(join(tmpdir(), 'mesh-secrets-'))
  try {
    for (const folder of ['server', 'agent']) mkdirSync(join(data, folder))
    writeFileSync(join(data, 'server/operator.token'), 'operator-secret\n')
    writeFileSync(join(data, 'agent/local.token'), 'local-secret\n')
    writeFileSync(join(data, 'flag'), 'flag-secret\n')
    const named = (flags: { tokenFile?: string }, environment: Record<string, string>) =>
      [...knownSecrets(flags, { MESH_DATA_DIR: data, ...environment })].sort()
    expect(named({}, {})).toEqual(['local-secret', 'operator-secret'])
    expect(named({ tokenFile: join(data, 'flag') }, {})).toContain('flag-secret')
    expect(named({}, { CONSUL_HTTP_TOKEN: 'environment-secret' })).toContain('environment-secret')
    // Blanking a short text would blank half of the bundle.
    expect(named({}, { MESH_TOKEN: 'e' })).not.toContain('e')
  } finally {
    rmSync(data, { recursive: true })
  }
})
