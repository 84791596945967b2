/**
 * What an upstream's `config` says of balancing: `balance`, and Consul's `limits` and `passive_health_check`; and the limit
 * of connections that a proxy's `config` sets before its service. Mistakes are told here, and agent/plan asks here what a kept `config` means; what the settings do is proxy/balance.
 */
import {
  type BalancePolicy,
  type BalancePreference,
  type BalanceSettings,
  defaultBalance,
  type EjectionSettings,
} from '../model/balance.ts'
import { parseDurationMs } from '../model/duration.ts'
import type { InboundResource } from '../model/proxy-config.ts'
import type { Reader } from './reading.ts'
import { duration, oneOf, wholeNumber } from './scalars.ts'
import { canonical, nested, one, schema } from './schema.ts'

/** Consul calls it least_request, after HTTP. */
const policies: Readonly<Record<string, BalancePolicy>> = {
  round_robin: 'round-robin',
  least_connections: 'least-connections',
  least_request: 'least-connections',
  random: 'random',
}

const preferences: Readonly<Record<string, BalancePreference>> = { none: 'none', host: 'host', zone: 'zone' }

const day = 24 * 3_600_000
const largest = 1_000_000_000

const amount = one(
  wholeNumber({ form: `a whole number from 0 to ${largest}`, example: 100, min: 0, max: largest }),
)
const percent = one(wholeNumber({ form: 'a whole number from 0 to 100', example: 50, min: 0, max: 100 }))
const period = (example: string) =>
  one(duration({ example, minMs: 1, maxMs: day, whyMin: 'it must last for some time' }))

/** Keys of an upstream's `config`, for `opaque`. */
export const balanceKeys: Readonly<Record<string, Reader<unknown>>> = {
  balance: nested(
    schema('the `balance` block', { policy: one(oneOf(policies)), prefer: one(oneOf(preferences)) }),
  ).read,
  limits: nested(
    schema('the `limits` block of an upstream', {
      max_connections: amount,
      max_pending_requests: amount,
      // Of requests, which a proxy of connections does not see; kept because Consul's files have it beside the others.
      max_concurrent_requests: amount,
    }),
  ).read,
  passive_health_check: nested(
    schema('the `passive_health_check` block', {
      interval: period('10s'),
      max_failures: amount,
      enforcing_consecutive_5xx: percent,
      max_ejection_percent: percent,
      base_ejection_time: period('30s'),
    }),
  ).read,
}

/** Keys of a proxy's `config`, for `opaque`: how much of it its service takes. */
export const inboundLimitKeys: Readonly<Record<string, Reader<unknown>>> = {
  max_inbound_connections: amount.read,
}

/** 0 is no limit, as with Consul. */
export function inboundLimitOf(
  config: Readonly<Record<string, unknown>>,
): Pick<InboundResource, 'maxConnections'> {
  const maxConnections = numberOf(config['max_inbound_connections'], largest) ?? 0
  return maxConnections === 0 ? {} : { maxConnections }
}

/** Undefined where nothing is said. What cannot be read (it may come from elsewhere than our files) counts as not said. */
export function balanceOf(config: Readonly<Record<string, unknown>>): BalanceSettings | undefined {
  const said = Object.keys(balanceKeys).some((key) => config[key] !== undefined)
  if (!said) return undefined
  const balance = blockOf(config['balance'])
  const limits = blockOf(config['limits'])
  return {
    policy: wordOf(balance.get('policy'), policies) ?? defaultBalance.policy,
    prefer: wordOf(balance.get('prefer'), preferences) ?? defaultBalance.prefer,
    maxConnections: numberOf(limits.get('maxconnections'), largest) ?? defaultBalance.maxConnections,
    maxPending: numberOf(limits.get('maxpendingrequests'), largest) ?? defaultBalance.maxPending,
    ejection: ejectionOf(blockOf(config['passive_health_check'])),
  }
}

type Block = ReadonlyMap<string, unknown>

function ejectionOf(block: Block): EjectionSettings {
  const usual = defaultBalance.ejection
  return {
    maxFailures: numberOf(block.get('maxfailures'), largest) ?? usual.maxFailures,
    enforcingPercent: numberOf(block.get('enforcingconsecutive5xx'), 100) ?? usual.enforcingPercent,
    maxPercent: numberOf(block.get('maxejectionpercent'), 100) ?? usual.maxPercent,
    baseMs: durationOf(block.get('baseejectiontime')) ?? usual.baseMs,
    intervalMs: durationOf(block.get('interval')) ?? usual.intervalMs,
  }
}

/** By canonical key; a list of one is a block too, as JSON made from HCL 1 has it. */
function blockOf(value: unknown): Block {
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value
  const entries = typeof only === 'object' && only !== null ? Object.entries(only) : []
  return new Map(entries.map(([key, held]) => [canonical(key), held]))
}

const wordOf = <Meaning>(value: unknown, words: Readonly<Record<string, Meaning>>): Meaning | undefined =>
  typeof value === 'string' && Object.hasOwn(words, value.toLowerCase())
    ? words[value.toLowerCase()]
    : undefined

const numberOf = (value: unknown, max: number): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined

const nanosecondsPerMs = 1_000_000

/** As text, or from programs as nanoseconds. */
function durationOf(value: unknown): number | undefined {
  const ms =
    typeof value === 'number'
      ? value / nanosecondsPerMs
      : typeof value === 'string'
        ? parseDurationMs(value)
        : undefined
  return ms === undefined || ms <= 0 ? undefined : Math.min(Math.max(1, Math.round(ms)), day)
}
