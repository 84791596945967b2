/**
 * The `expose` block of a proxy: which paths of its service are reached without TLS, and whether the agent's own checks go
 * through the proxy. Source: Consul's documentation of "Expose Paths", gathered in reference/consul.md, section 2.3.
 */
import { limits } from '../model/limits.ts'
import type { ExposePath, ProxySettings } from '../model/service.ts'
import type { Place } from '../wire/hcl/tree.ts'
import { portField } from './names.ts'
import type { Reading } from './reading.ts'
import { consulOnly, renamed } from './refusals.ts'
import { oneOf, type TextRule, text, toggle } from './scalars.ts'
import { blocks, type Given, one, schema, type Written, written } from './schema.ts'

const pathRule: TextRule = {
  form: 'a path that begins with / and has no query',
  example: '/health',
  maxChars: 1_024,
  accepts: (path) => /^\/[^\s?#]*$/.test(path),
}

const pathSchema = schema(
  'an exposed path',
  {
    path: one(text(pathRule)),
    local_path_port: portField(8080),
    listener_port: portField(21_500),
    protocol: one(oneOf<ExposePath['protocol']>({ http: 'http', http2: 'http2' })),
  },
  {
    refusals: {
      ...consulOnly(['parsed_from_check'], 'remove it'),
      ...renamed(['port', 'bind_port'], 'listener_port'),
      ...renamed(['local_port', 'service_port'], 'local_path_port'),
    },
  },
)

export const exposeSchema = schema(
  'the `expose` block',
  { checks: one(toggle), paths: blocks(written(pathSchema)) },
  { refusals: renamed(['path'], 'paths') },
)

type WrittenPath = Written<typeof pathSchema.shape>

/** An exposed path with the place of its public end. */
export interface ExposeDraft {
  readonly path: ExposePath
  readonly at: Place
}

export function buildExpose(
  keys: Given<typeof exposeSchema.shape> | undefined,
  reading: Reading,
): { readonly settings: ProxySettings['expose']; readonly drafts: readonly ExposeDraft[] } {
  const items = keys?.paths?.value ?? []
  const surplus = items[limits.exposedPathsPerProxy]
  if (surplus !== undefined)
    reading.report(surplus.at, {
      what: `the proxy exposes ${items.length} paths`,
      why: `at most ${limits.exposedPathsPerProxy} are allowed`,
      remedy: 'remove those that are not used',
    })
  const drafts = items.flatMap((item) => buildPath(item, reading) ?? [])
  checkTogether(drafts, reading)
  const settings = { checks: keys?.checks?.value ?? false, paths: drafts.map(({ path }) => path) }
  return { settings, drafts }
}

function buildPath({ keys, at, isWhole }: WrittenPath, reading: Reading): ExposeDraft | undefined {
  const examples = { path: '"/health"', local_path_port: '8080', listener_port: '21500' } as const
  for (const key of ['path', 'local_path_port', 'listener_port'] as const)
    if (keys[key] === undefined && isWhole)
      reading.report(at, {
        what: `the exposed path has no \`${key}\``,
        why: 'a path is let through from a port of the proxy to a port of the service',
        remedy: `add \`${reading.assignment(key, examples[key])}\``,
      })
  const path = keys.path?.value
  const localPathPort = keys.local_path_port?.value
  const listenerPort = keys.listener_port?.value
  if (path === undefined || localPathPort === undefined || listenerPort === undefined) return undefined
  const protocol = keys.protocol?.value ?? 'http'
  return { path: { path, localPathPort, listenerPort, protocol }, at: keys.listener_port?.at ?? at }
}

/** Several paths may share a port, where one protocol is spoken there and no path stands twice. */
function checkTogether(drafts: readonly ExposeDraft[], reading: Reading): void {
  const firsts = new Map<number, ExposePath>()
  const seen = new Set<string>()
  for (const { path, at } of drafts) {
    const first = firsts.get(path.listenerPort) ?? path
    firsts.set(path.listenerPort, first)
    const key = `${path.listenerPort} ${path.path}`
    if (seen.has(key))
      reading.report(at, {
        what: `the path ${path.path} is exposed twice on port ${path.listenerPort}`,
        why: 'a request leads to one place',
        remedy: 'remove one of them',
      })
    else if (first.protocol !== path.protocol)
      reading.report(at, {
        what: `port ${path.listenerPort} is to speak ${first.protocol} and ${path.protocol}`,
        why: 'a port speaks one protocol',
        remedy: 'choose another port for one of them',
      })
    seen.add(key)
  }
}
