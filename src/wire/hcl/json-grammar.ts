/**
 * The grammar of JSON (RFC 8259), strictly: no comments, no trailing commas, no key twice. A file is one object.
 */
import type { Token } from './lexer.ts'
import type { TokenStream } from './stream.ts'
import type { Label, ListValue, Member, ObjectValue, Value } from './tree.ts'
import { shown, unquotedWord } from './unexpected.ts'

export function readJsonFile(stream: TokenStream): ObjectValue | undefined {
  const first = stream.peek()
  const value = readValue(stream, '', 0)
  const rest = stream.peek()
  if (value === undefined || stream.failed) return undefined
  if (value.kind !== 'object')
    stream.fail(first.at, {
      what: 'the JSON is not an object',
      why: 'settings are named by keys',
      remedy: 'begin it with { and end it with }',
    })
  else if (rest.kind === '}' || rest.kind === ']') stream.failSurplus(rest)
  else if (rest.kind !== 'end')
    stream.fail(rest.at, {
      what: `\`${shown(rest.text)}\` stands after the end of the JSON object`,
      why: 'a JSON file is one object',
      remedy: 'remove it, or move it into the object',
    })
  return value.kind === 'object' ? value : undefined
}

function readValue(stream: TokenStream, name: string, depth: number): Value | undefined {
  const next = stream.peek()
  if (!stream.countValue(next.at)) return undefined
  if (next.kind === '{') return readObject(stream, name, depth)
  if (next.kind === '[') return readList(stream, name, depth)
  const { at, text, number, kind } = stream.take()
  if (kind === 'string') return { kind: 'string', text, at }
  if (kind === 'number') return { kind: 'number', number, at }
  if (kind === 'name') {
    if (text === 'true' || text === 'false') return { kind: 'boolean', boolean: text === 'true', at }
    if (text === 'null') return { kind: 'null', at }
    stream.fail(at, unquotedWord(text, next.next, 'json'))
    return undefined
  }
  stream.fail(at, {
    what:
      kind === 'end'
        ? 'the text ends where a value is expected'
        : `\`${kind}\` stands where a value is expected`,
    why: 'a value is text in double quotes, a number, true, false, null, a list or an object',
    remedy: kind === ',' ? 'remove it, or write the value' : 'write the value',
  })
  return undefined
}

function readObject(stream: TokenStream, name: string, depth: number): ObjectValue | undefined {
  const opened = stream.open('object', name, depth)
  if (opened === undefined) return undefined
  const members: Member[] = []
  const firsts = new Map<string, Member>()
  if (stream.peek().kind !== '}')
    for (;;) {
      const member = readMember(stream, depth)
      if (member === undefined) return undefined
      const first = firsts.get(member.key)
      if (first === undefined) firsts.set(member.key, member)
      else stream.noteRepeated(member, first)
      members.push(member)
      const next = stream.peek()
      if (next.kind === '}') break
      if (next.kind === 'end' || next.kind === ']') stream.failUnclosed(opened)
      if (!readComma(stream, next, '}')) return undefined
    }
  stream.close(opened)
  return { kind: 'object', members, at: opened.at }
}

function readMember(stream: TokenStream, depth: number): Member | undefined {
  const token = stream.take()
  const key: Label = { text: token.text, at: token.at }
  if (token.kind !== 'string') {
    stream.fail(token.at, {
      what:
        token.kind === 'end'
          ? 'the text ends where a key is expected'
          : `\`${shown(token.text)}\` stands where a key is expected`,
      why: 'keys are text in double quotes',
      remedy: token.kind === 'name' ? `write "${shown(token.text)}"` : 'write "key": value',
    })
    return undefined
  }
  if (!stream.isAllowedKey(key)) return undefined
  const colon = stream.peek()
  if (colon.kind !== ':') {
    stream.fail(colon.kind === 'end' ? key.at : colon.at, {
      what: `\`:\` is missing after "${shown(key.text)}"`,
      why: 'in JSON, key and value are joined by `:`',
      remedy: `write "${shown(key.text)}": value`,
    })
    return undefined
  }
  stream.take()
  const value = readValue(stream, key.text, depth + 1)
  return value && { key: key.text, keyAt: key.at, form: 'attribute', labels: [], value }
}

function readList(stream: TokenStream, name: string, depth: number): ListValue | undefined {
  const opened = stream.open('list', name, depth)
  if (opened === undefined) return undefined
  const items: Value[] = []
  if (stream.peek().kind !== ']')
    for (;;) {
      const item = readValue(stream, name, depth + 1)
      if (item === undefined) return undefined
      items.push(item)
      const next = stream.peek()
      if (next.kind === ']') break
      if (next.kind === 'end' || next.kind === '}') stream.failUnclosed(opened)
      if (!readComma(stream, next, ']')) return undefined
    }
  stream.take()
  return { kind: 'list', items, at: opened.at }
}

/** The comma between two members or items; none may stand before the closing mark. */
function readComma(stream: TokenStream, token: Token, closing: '}' | ']'): boolean {
  if (stream.failed) return false
  if (token.kind !== ',') {
    stream.fail(token.at, {
      what: `a comma is missing before \`${shown(token.text)}\``,
      why: 'members and items are separated by commas in JSON',
      remedy: 'write a comma after the value before it',
    })
    return false
  }
  stream.take()
  if (stream.peek().kind !== closing) return true
  stream.fail(token.at, {
    what: `a comma stands before \`${closing}\``,
    why: 'JSON allows no comma after the last value',
    remedy: 'remove it',
  })
  return false
}
