/**
 * Keys of the agent's DNS server: `domain`, `alt_domain`, `recursors` and the `dns_config` block, with Consul's names and
 * defaults (reference/consul.md, section 2.2). Where it listens is told with the other addresses, in agent.ts.
 */
import { limits } from '../model/limits.ts'
import { isIpAddress, splitHostPort } from './address.ts'
import { type DnsSettings, dnsDefaults, type Recursor } from './dns-settings.ts'
import { isDnsLabel } from './names.ts'
import { quoted, type Reader } from './reading.ts'
import { consulOnly } from './refusals.ts'
import { duration, oneOf, type TextRule, text, toggle, wholeNumber } from './scalars.ts'
import { type Given, list, map, nested, objectOf, one, schema } from './schema.ts'

const second = 1_000
const hour = 3_600 * second
const dnsPort = 53
/** RFC 2181, section 8: a TTL has 31 bits; a week is more than anybody caches names of services. */
const longestTtlMs = 7 * 24 * hour

const domainRule: TextRule = {
  form: 'a domain name',
  example: 'mesh',
  maxChars: limits.dnsDomainChars,
  accepts: (name) => name.replace(/\.$/, '').split('.').every(isDnsLabel),
}

const recursorRule: TextRule = {
  form: 'the address of a name server, with `:port` where it is not 53',
  example: '10.0.0.2',
  maxChars: 64,
  accepts: (address) => recursorOf(address) !== undefined,
}

function recursorOf(written: string): Recursor | undefined {
  if (isIpAddress(written)) return { address: written, port: dnsPort }
  const { host, port = dnsPort } = splitHostPort(written) ?? {}
  return host !== undefined && isIpAddress(host) ? { address: host, port } : undefined
}

const ttl = duration({ example: '10s', minMs: 0, maxMs: longestTtlMs, whyMin: 'it cannot be negative' })

/** Also with spaces and `*` in the key, which HCL keeps as it is. */
const ttls: Reader<Readonly<Record<string, number>>> = (slot, reading) => {
  const object = objectOf(slot, reading, '{ "*" = "10s" }')
  if (object === undefined) return undefined
  const entries: [string, number][] = []
  for (const { key, keyAt, value } of object.members) {
    const star = key.indexOf('*')
    if (star >= 0 && star !== key.length - 1)
      reading.report(keyAt, {
        what: `\`service_ttl\` has the key ${quoted(key)}`,
        why: '`*` stands for the rest of a name, so it can only be the last letter',
        remedy: `write ${quoted(`${key.slice(0, star)}*`)}`,
      })
    const held = ttl({ name: key, item: 0, at: value.at, value }, reading)
    if (held !== undefined) entries.push([key.toLowerCase(), held])
  }
  return Object.fromEntries(entries)
}

const seconds = (example: number) =>
  one(
    wholeNumber({
      form: 'a number of seconds, without a unit',
      example,
      min: 0,
      max: 2 ** 31 - 1,
    }),
  )

const answers = (example: number) =>
  one(
    wholeNumber({
      form: `a whole number from 0 to ${limits.dnsAnswers}`,
      example,
      min: 0,
      max: limits.dnsAnswers,
    }),
  )

export const dnsFields = {
  domain: one(text(domainRule)),
  alt_domain: one(text({ ...domainRule, example: 'consul' })),
  recursors: list(text(recursorRule), 'a list of addresses', '["10.0.0.2"]'),
  dns_config: nested(
    schema(
      'the `dns_config` block',
      {
        allow_stale: one(toggle),
        max_stale: one(
          duration({ example: '87600h', minMs: 0, maxMs: 876_000 * hour, whyMin: 'it cannot be negative' }),
        ),
        node_ttl: one(ttl),
        service_ttl: map(ttls),
        enable_truncate: one(toggle),
        only_passing: one(toggle),
        recursor_strategy: one(
          oneOf<'sequential' | 'random'>({ sequential: 'sequential', random: 'random' }),
        ),
        recursor_timeout: one(
          duration({ example: '2s', minMs: 1, maxMs: hour, whyMin: 'no name server answers in no time' }),
        ),
        disable_compression: one(toggle),
        udp_answer_limit: answers(3),
        a_record_limit: answers(0),
        enable_additional_node_meta_txt: one(toggle),
        soa: nested(
          schema('the `soa` block', {
            refresh: seconds(3_600),
            retry: seconds(600),
            expire: seconds(86_400),
            min_ttl: seconds(0),
          }),
        ),
      },
      { refusals: consulOnly(['use_cache', 'cache_max_age', 'prefer_namespace']) },
    ),
  ),
}

type DnsKeys = Given<typeof dnsFields>

export function dnsSettings(keys: DnsKeys): DnsSettings {
  const given = keys.dns_config?.value
  const soa = given?.soa?.value
  const wholeSeconds = (ms: number | undefined): number => Math.ceil((ms ?? 0) / second)
  const serviceTtls = Object.entries(given?.service_ttl?.value ?? {})
  return {
    recursors: (keys.recursors?.value ?? []).flatMap((written) => recursorOf(written) ?? []),
    recursorStrategy: given?.recursor_strategy?.value ?? dnsDefaults.recursorStrategy,
    recursorTimeoutMs: given?.recursor_timeout?.value ?? dnsDefaults.recursorTimeoutMs,
    nodeTtlSeconds: wholeSeconds(given?.node_ttl?.value),
    serviceTtlSeconds: Object.fromEntries(serviceTtls.map(([name, ms]) => [name, wholeSeconds(ms)])),
    onlyPassing: given?.only_passing?.value ?? dnsDefaults.onlyPassing,
    enableTruncate: given?.enable_truncate?.value ?? dnsDefaults.enableTruncate,
    disableCompression: given?.disable_compression?.value ?? dnsDefaults.disableCompression,
    udpAnswerLimit: given?.udp_answer_limit?.value ?? dnsDefaults.udpAnswerLimit,
    addressLimit: given?.a_record_limit?.value ?? dnsDefaults.addressLimit,
    nodeMetaTexts: given?.enable_additional_node_meta_txt?.value ?? dnsDefaults.nodeMetaTexts,
    allowStale: given?.allow_stale?.value ?? dnsDefaults.allowStale,
    maxStaleMs: given?.max_stale?.value ?? dnsDefaults.maxStaleMs,
    soa: {
      refreshSeconds: soa?.refresh?.value ?? dnsDefaults.soa.refreshSeconds,
      retrySeconds: soa?.retry?.value ?? dnsDefaults.soa.retrySeconds,
      expireSeconds: soa?.expire?.value ?? dnsDefaults.soa.expireSeconds,
      minimumSeconds: soa?.min_ttl?.value ?? dnsDefaults.soa.minimumSeconds,
    },
  }
}

/** The domains that are ours, without the last dot. Where Consul's tools look is answered whatever else is. */
export function dnsDomains(keys: DnsKeys): readonly string[] {
  const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '')
  return [...new Set([plain(keys.domain?.value ?? 'mesh'), plain(keys.alt_domain?.value ?? 'consul')])]
}
