// How the HTTP fuzzer spoils a request: values of its JSON, bytes of its text, its query string and its path.
import type { Seed } from './http-seeds.ts'

/** A number below the given one. */
export type Pick = (below: number) => number

/** Small and seeded, so that a failure can be repeated from its seed (Marsaglia's xorshift32). */
export function generator(seed: number): Pick {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

export interface Spoiled {
  readonly method: string
  readonly path: string
  readonly body: string
}

const values: readonly unknown[] = [
  null,
  '',
  0,
  -1,
  1.5,
  1e308,
  2 ** 53 + 2,
  65_536,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  'a',
  '*',
  ' ',
  '\u0000',
  '\uD800',
  '\u{1F680}',
  '../..',
  '10s',
  '-10s',
  '1e9h',
  'passing',
  'constructor',
  '__proto__',
  'x'.repeat(5_000),
  { a: { a: { a: { a: 1 } } } },
  [1, 'a', null, {}],
]

const keys = [
  '__proto__',
  'constructor',
  'toString',
  'Name',
  'name',
  'ID',
  'Node',
  'Kind',
  'Namespace',
  'Extra',
  '',
]

const texts = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\u0000',
  '\\uD800',
  '1e999',
  '-',
  'null',
  '{"__proto__":{"polluted":1}}',
  '"a":"b",',
  '\u0000',
  '\u00FF',
  '[['.repeat(200),
  '{"a":'.repeat(200),
]

const parameters = [
  'dc=dc1',
  'dc=elsewhere',
  'ns=default',
  'ns=other',
  'partition=x',
  'peer=x',
  'filter=Name==',
  'filter=%28%28%28',
  'near=_agent',
  'cas=-1',
  'cas=99999999999999999999',
  'cas=18446744073709551615',
  'index=1',
  'wait=1ms',
  'wait=-1s',
  'flags=-1',
  'flags=18446744073709551615',
  'acquire=x',
  'release=%00',
  'recurse',
  'keys&separator=/',
  'raw',
  'stale&consistent',
  'stale&max_stale=1x',
  'consistent',
  'cached',
  'pretty',
  'token=wrong',
  'passing=maybe',
  'tag=a&tag=b',
  'node-meta=a:b:c',
  'node-meta=',
  'enable=perhaps',
  'replace-existing-checks=2',
  'timeout=1e9h',
  'source=*&destination=',
  'id=%ff%fe',
  '__proto__=1',
  '%zz=1',
  '%E0%A4%A=1',
  'a=1;b=2',
  '&&&===',
]

const pathPieces = [
  '%00',
  '%2F',
  '%2e%2e%2f',
  '%zz',
  '%ff',
  '..',
  '//',
  '*',
  '%F0%9F%9A%80',
  'a'.repeat(300),
  '__proto__',
]

export function spoil(seed: Seed, pick: Pick): Spoiled {
  const body = seed.body === undefined ? '' : spoilBody(seed.body, pick)
  const query = pick(3) === 0 ? spoilQuery(seed.query ?? '', pick) : (seed.query ?? '')
  const path = pick(12) === 0 ? spoilPath(seed.path, pick) : seed.path
  return { method: seed.method, path: query === '' ? path : `${path}?${query}`, body }
}

function spoilBody(body: unknown, pick: Pick): string {
  if (typeof body === 'string') return pick(2) === 0 ? body : spoilText(body, pick)
  let json: unknown = structuredClone(body)
  for (let rounds = pick(4); rounds > 0; rounds--) json = spoilValue(json, pick)
  const text = JSON.stringify(json) ?? ''
  return pick(5) === 0 ? spoilText(text, pick) : text
}

/** One place in the tree gets another value, loses a key or gets one more. */
function spoilValue(json: unknown, pick: Pick): unknown {
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = []
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      places.push({ holder: value as Record<string, unknown>, key })
      walk((value as Record<string, unknown>)[key])
    }
  }
  walk(json)
  const place = places[pick(Math.max(places.length, 1))]
  if (place === undefined || pick(30) === 0) return anyValue(pick)
  const { holder, key } = place
  const what = pick(6)
  if (what === 0) delete holder[key]
  else if (what === 1 && !Array.isArray(holder))
    Object.defineProperty(holder, keys[pick(keys.length)] ?? '', {
      value: anyValue(pick),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else if (what === 2) holder[key] = [holder[key], holder[key]]
  else holder[key] = anyValue(pick)
  return json
}

const anyValue = (pick: Pick): unknown => structuredClone(values[pick(values.length)])

function spoilText(text: string, pick: Pick): string {
  const at = pick(text.length + 1)
  switch (pick(4)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + (texts[pick(texts.length)] ?? '') + text.slice(at)
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + pick(20))
    default:
      return text.slice(0, at) + String.fromCharCode(pick(256)) + text.slice(at + 1)
  }
}

function spoilQuery(query: string, pick: Pick): string {
  const parts = query === '' ? [] : query.split('&')
  for (let rounds = 1 + pick(3); rounds > 0; rounds--) {
    const parameter = parameters[pick(parameters.length)] ?? ''
    const at = pick(parts.length + 1)
    if (pick(3) === 0) parts.splice(at, 1)
    else parts.splice(at, 0, parameter)
  }
  return parts.join('&')
}

function spoilPath(path: string, pick: Pick): string {
  const piece = pathPieces[pick(pathPieces.length)] ?? ''
  const end = path.lastIndexOf('/') + 1
  return pick(2) === 0 ? path.slice(0, end) + piece : path + piece
}
