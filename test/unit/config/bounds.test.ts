// Every list and map of a definition has a bound; what exceeds it is told where it begins to.
import { expect, test } from 'vitest'
import { parseConfigChanges } from '../../../src/config/changes.ts'
import { limits } from '../../../src/model/limits.ts'
import { errorsOf } from './load.ts'

const many = (count: number, item: (number: number) => string): string =>
  Array.from({ length: count }, (_, number) => item(number)).join('\n')

const service = (text: string): string => `service {\nname = "web"\n${text}\n}`

test.each<[string, number, (count: number) => string, string]>([
  [
    'tags',
    limits.tagsPerService,
    (count) => service(`tags = [${'"a",'.repeat(count)}]`),
    '3:8 the service has',
  ],
  [
    'labels',
    limits.metaPairs,
    (count) => service(`meta {\n${many(count, (n) => `k${n} = "v"`)}\n}`),
    '3:1 `meta` has',
  ],
  [
    'tagged addresses',
    limits.taggedAddresses,
    (count) => service(`tagged_addresses {\n${many(count, (n) => `k${n} { address = "a" }`)}\n}`),
    '3:1 `tagged_addresses` has',
  ],
  [
    'upstreams',
    limits.upstreamsPerProxy,
    (count) =>
      service(
        `connect { sidecar_service { proxy {\n${many(count, (n) => `upstreams { destination_name = "s${n}" local_bind_port = ${10_000 + n} }`)}\n} } }`,
      ),
    `${4 + limits.upstreamsPerProxy}:1 the proxy has`,
  ],
  [
    'servers',
    limits.serverAddresses,
    (count) => `servers = [${many(count, (n) => `"s${n}",`)}]`,
    '1:11 `servers` has',
  ],
  [
    'hosts to join',
    limits.gossipJoinAddresses,
    (count) => `retry_join = [${many(count, (n) => `"h${n}",`)}]`,
    '1:14',
  ],
])('%s', (_, bound, text, error) => {
  expect(errorsOf(text(bound))).toEqual([])
  expect(errorsOf(text(bound + 1))).toEqual([expect.stringContaining(`a.hcl:${error} ${bound + 1}`)])
})

test('sources of an entry', () => {
  const entry = (count: number): string =>
    `Kind = "service-intentions"\nName = "db"\n${many(count, (n) => `Sources { Name = "s${n}" Action = "allow" }`)}`
  const bound = limits.sourcesPerDestination
  expect(parseConfigChanges({ path: 'a.hcl', text: entry(bound) }).ok).toBe(true)
  expect(parseConfigChanges({ path: 'a.hcl', text: entry(bound + 1) })).toMatchObject({
    ok: false,
    errors: [{ line: bound + 3, what: `the entry has ${bound + 1} sources` }],
  })
})
