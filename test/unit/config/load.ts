// Short ways for tests to load a text and look at what came of it.
import { formatConfigError } from '../../../src/config/format.ts'
import { loadConfiguration } from '../../../src/config/load.ts'
import type { Configuration, Settings, SourceFile } from '../../../src/config/settings.ts'
import type { CheckDefinition } from '../../../src/model/check.ts'
import type { ProxySettings, ServiceDefinition } from '../../../src/model/service.ts'
import { machine } from './machine.ts'

type Texts = string | Readonly<Record<string, string>>

function filesOf(texts: Texts): readonly SourceFile[] {
  if (typeof texts === 'string') return [{ path: 'a.hcl', text: texts }]
  return Object.entries(texts).map(([path, text]) => ({ path, text }))
}

export function load(texts: Texts, on = machine): Configuration {
  const loaded = loadConfiguration(filesOf(texts), on)
  if (!loaded.ok) throw new Error(loaded.errors.map(formatConfigError).join('\n'))
  return loaded.value
}

export const settingsOf = (texts: Texts, on = machine): Settings => load(texts, on).settings

export function serviceOf(text: string): ServiceDefinition {
  const [first] = load(text).definitions.services
  if (first === undefined) throw new Error('no service')
  return first
}

/** The checks of a service `web` whose body is `text`. */
export const checksOf = (text: string): readonly CheckDefinition[] =>
  serviceOf(`service {\n name = "web"\n port = 80\n ${text}\n}`).checks

/** The proxy of a service `web` on port 80 with this in its `proxy` block. */
export function proxyOf(text: string): ProxySettings {
  const { sidecar } = serviceOf(
    `service {\n name = "web"\n port = 80\n connect {\n sidecar_service {\n proxy {\n${text}\n}\n}\n}\n}`,
  )
  if (sidecar?.service.proxy === undefined) throw new Error('no proxy')
  return sidecar.service.proxy
}

/** Each error as `path:line:column what`. */
export function errorsOf(texts: Texts, on = machine): readonly string[] {
  const loaded = loadConfiguration(filesOf(texts), on)
  return loaded.ok
    ? []
    : loaded.errors.map(({ path, line, column, what }) => `${path}:${line}:${column} ${what}`)
}

/** Each error as a user sees it. */
export function linesOf(texts: Texts, on = machine): readonly string[] {
  const loaded = loadConfiguration(filesOf(texts), on)
  return loaded.ok ? [] : loaded.errors.map(formatConfigError)
}
