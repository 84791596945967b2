/**
 * Rules of names, ids, paths, ports and labels that several schemas share, and what is said when one is broken.
 */
import { isUuid } from '../model/ids.ts'
import { limits } from '../model/limits.ts'
import { plainObject } from '../wire/hcl/tree.ts'
import { shown } from '../wire/hcl/unexpected.ts'
import { quoted, type Reader, reportKind } from './reading.ts'
import { type NumberRule, type TextRule, text, wholeNumber } from './scalars.ts'
import { type Field, map, objectOf, one } from './schema.ts'

const serviceName = /^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$/

/** Names end in certificates, DNS and SNI; dots would read there as another name below this one. */
export const serviceNameRule: TextRule = {
  form: 'letters, digits, `-` and `_`, beginning and ending with a letter or digit',
  example: 'web',
  maxChars: limits.serviceNameChars,
  accepts: (name) => serviceName.test(name),
  explain: (name) => {
    const near = name
      .trim()
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[-_]+|[-_]+$/g, '')
    return near === '' ? undefined : { remedy: `write ${quoted(near)}` }
  },
}

/** A service of an intention, or any of them. */
export const intentionNameRule: TextRule = {
  ...serviceNameRule,
  form: 'a service name, or "*" for every service',
  accepts: (name) => name === '*' || serviceName.test(name),
  explain: (name) =>
    name.includes('*')
      ? {
          why: '`*` stands for every service and cannot be part of a name',
          remedy: 'write "*" or a whole name',
        }
      : serviceNameRule.explain?.(name),
}

export const idRule: TextRule = {
  form: 'text without spaces and control characters',
  example: 'web-1',
  maxChars: limits.serviceIdChars,
  accepts: (id) => !/[\p{Cc}\s]/u.test(id),
}

export const checkIdRule: TextRule = { ...idRule, example: 'web-http', accepts: (id) => !/\p{Cc}/u.test(id) }

const dnsLabel = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

export const isDnsLabel = (name: string): boolean => dnsLabel.test(name)

export const nodeNameRule: TextRule = {
  form: 'a DNS label: letters, digits and `-`, beginning and ending with a letter or digit',
  example: 'host-1',
  maxChars: 63,
  accepts: isDnsLabel,
}

export const datacenterRule: TextRule = {
  form: 'letters, digits, `-` and `_`',
  example: 'dc1',
  maxChars: 63,
  accepts: (name) => /^[A-Za-z0-9_-]+$/.test(name),
}

export const uuidRule: TextRule = {
  form: 'a UUID in lower case',
  example: 'b08a1c5e-1f0c-4b5e-9d0e-3b0d5f6c7a81',
  maxChars: 36,
  accepts: isUuid,
}

export const pathRule: TextRule = {
  form: 'an absolute path',
  example: '/var/lib/mesh-agent',
  maxChars: 4_096,
  accepts: (path) => path.startsWith('/') && !path.includes('\0'),
}

const encoder = new TextEncoder()

/** Room for what a kernel keeps of a socket's path. */
export const socketPathRule: TextRule = {
  form: `an absolute path of at most ${limits.socketPathBytes} bytes`,
  example: '/run/web/db.sock',
  maxChars: limits.socketPathBytes,
  accepts: (path) =>
    pathRule.accepts?.(path) === true && encoder.encode(path).length <= limits.socketPathBytes,
  explain: (path) =>
    path.startsWith('unix://')
      ? {
          why: 'it must be a path, without `unix://`',
          remedy: `write ${quoted(path.slice('unix://'.length))}`,
        }
      : undefined,
}

export const fileModeRule: TextRule = {
  form: 'three octal digits with a leading 0, as text',
  example: '0660',
  maxChars: 4,
  accepts: (mode) => /^0?[0-7]{3}$/.test(mode),
}

export const tagRule: TextRule = {
  form: 'text without control characters',
  example: 'v1',
  maxChars: limits.tagChars,
  accepts: (tag) => !/\p{Cc}/u.test(tag),
}

export const portRule = (example: number, min = 1): NumberRule => ({
  form: `a whole number from ${min} to 65535`,
  example,
  min,
  max: 65_535,
})

/** A port; programs write 0 for none. */
export const portField = (example: number): Field<number> => ({
  ...one(wholeNumber(portRule(example))),
  isZeroAbsent: true,
})

const metaKey = /^[A-Za-z0-9_-]+$/
const metaValue = text({ form: 'text', example: 'v1', maxChars: limits.metaValueChars })

/** Labels of services, nodes and entries, within Consul's limits. Empty text is a value here. */
export const metaField: Field<Readonly<Record<string, string>>> = map((slot, reading) => {
  const object = objectOf(slot, reading, '{ key = "value" }')
  if (object === undefined) return undefined
  if (object.members.length > limits.metaPairs)
    reading.report(slot.at, {
      what: `\`${shown(slot.name)}\` has ${object.members.length} keys`,
      why: `at most ${limits.metaPairs} are allowed`,
      remedy: 'remove some',
    })
  const entries: [string, string][] = []
  for (const { key, keyAt, value } of object.members) {
    if (!metaKey.test(key) || key.length > limits.metaKeyChars)
      reading.report(keyAt, {
        what: `\`${shown(slot.name)}\` has the key "${shown(key)}"`,
        why: `its keys are made of letters, digits, \`-\` and \`_\`, at most ${limits.metaKeyChars}`,
        remedy: 'rename the key',
      })
    const isBlank = value.kind === 'string' && value.text === ''
    const held = isBlank ? '' : metaValue({ name: key, item: 0, at: value.at, value }, reading)
    if (held !== undefined) entries.push([key, held])
  }
  return Object.fromEntries(entries)
})

/**
 * Settings that are kept as they were written. Those that the proxy acts on are `known`, under exactly that key, and a
 * mistake in one is told; any other is for whoever reads them later.
 */
export const opaque =
  (known: Readonly<Record<string, Reader<unknown>>>): Reader<Readonly<Record<string, unknown>>> =>
  (slot, reading) => {
    const object = objectOf(slot, reading, '{ key = "value" }')
    if (object === undefined) return undefined
    for (const { key, value } of object.members)
      if (Object.hasOwn(known, key)) known[key]?.({ name: key, item: 0, at: value.at, value }, reading)
    return plainObject(object)
  }

/** A map whose values are lists of text: HTTP headers. */
export const textLists: Reader<Readonly<Record<string, readonly string[]>>> = (slot, reading) => {
  const object = objectOf(slot, reading, '{ Accept = ["text/plain"] }')
  if (object === undefined) return undefined
  const entries: [string, readonly string[]][] = []
  for (const { key, value } of object.members) {
    const items = value.kind === 'list' ? value.items : []
    const texts = items.flatMap((item) => (item.kind === 'string' ? [item.text] : []))
    if (value.kind === 'list' && texts.length === items.length) entries.push([key, texts])
    else
      reportKind(
        { name: key, item: 0, at: value.at, value },
        reading,
        'a list of text',
        value.kind === 'string' ? `[${quoted(value.text)}]` : '["text"]',
      )
  }
  return Object.fromEntries(entries)
}
