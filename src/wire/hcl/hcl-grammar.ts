/**
 * The grammar of HCL, the union of its versions 1 and 2 as far as plain values go: HCL 1's commas after attributes,
 * `key = { }` for a block and several attributes on one line; HCL 2's objects with `:` and labels without quotes.
 * Sources: the syntax descriptions of github.com/hashicorp/hcl (README of version 1, hclsyntax/spec.md of version 2).
 */
import type { Token } from './lexer.ts'
import type { Opened, TokenStream } from './stream.ts'
import type { Label, Member, ObjectValue, Value } from './tree.ts'
import { shown, unquotedWord } from './unexpected.ts'

export function readHclFile(stream: TokenStream): ObjectValue {
  const at = stream.peek().at
  return { kind: 'object', members: readMembers(stream, undefined, 0), at: { ...at, line: 1, column: 1 } }
}

/** Members up to and with the closing brace of `opened`, or to the end of the file. */
function readMembers(stream: TokenStream, opened: Opened | undefined, depth: number): readonly Member[] {
  const members: Member[] = []
  const firsts = new Map<string, Member>()
  let before: Before | undefined
  for (;;) {
    const token = stream.peek()
    if (token.kind === 'end') {
      if (opened !== undefined) stream.failUnclosed(opened)
      return members
    }
    if (token.kind === '}') {
      if (opened === undefined) stream.failSurplus(token)
      else stream.close(opened)
      return members
    }
    const member = readMember(stream, { opened, before, depth })
    if (member === undefined) return members
    const first = firsts.get(member.key)
    if (first === undefined) firsts.set(member.key, member)
    else if (member.value.kind !== 'object' || first.value.kind !== 'object')
      stream.noteRepeated(member, first)
    members.push(member)
    before = { member, isSeparate: readSeparator(stream) }
  }
}

/** True where a comma or a line break (or the end of the block) follows. */
function readSeparator(stream: TokenStream): boolean {
  const token = stream.peek()
  if (token.kind !== ',') return token.startsLine || token.kind === '}' || token.kind === 'end'
  stream.take()
  const next = stream.peek()
  if (next.kind === ',') failSecondComma(stream, next)
  return true
}

function failSecondComma(stream: TokenStream, token: Token): void {
  stream.fail(token.at, {
    what: 'a second comma stands here',
    why: 'one comma separates two values',
    remedy: 'remove it',
  })
}

/** The member before, and whether a comma or a line break followed it. */
interface Before {
  readonly member: Member
  readonly isSeparate: boolean
}

interface Surroundings {
  readonly opened: Opened | undefined
  readonly before: Before | undefined
  readonly depth: number
}

function readMember(stream: TokenStream, around: Surroundings): Member | undefined {
  const token = stream.take()
  if (token.kind !== 'name' && token.kind !== 'string') {
    failKey(stream, token, around)
    return undefined
  }
  const key: Label = { text: token.text, at: token.at }
  if (!stream.isAllowedKey(key)) return undefined
  const next = stream.peek()
  if (next.kind === '=' || (next.kind === ':' && around.opened?.kind === 'object')) {
    stream.take()
    const value = readAttributeValue(stream, key, around.depth)
    return value && { key: key.text, keyAt: key.at, form: 'attribute', labels: [], value }
  }
  const labels = readLabels(stream)
  if (stream.peek().kind === '{') {
    if (!labels.every((label) => stream.isAllowedKey(label))) return undefined
    const value = readObject(stream, { kind: 'block', name: key.text, depth: around.depth })
    return value && { key: key.text, keyAt: key.at, form: 'block', labels, value }
  }
  const isValue = token.kind === 'string' && !token.startsLine
  const owner = isValue || around.before?.isSeparate === false ? around.before?.member : undefined
  if (owner === undefined) failAfterKey(stream, key, labels)
  else failSurplusText(stream, token, owner)
  return undefined
}

/** Names and strings on the line of the key. */
function readLabels(stream: TokenStream): readonly Label[] {
  const labels: Label[] = []
  for (;;) {
    const token = stream.peek()
    if ((token.kind !== 'name' && token.kind !== 'string') || token.startsLine) return labels
    stream.take()
    labels.push({ text: token.text, at: token.at })
  }
}

function failKey(stream: TokenStream, token: Token, around: Surroundings): void {
  if (token.kind === ']') stream.failSurplus(token)
  else if (around.before?.isSeparate === false) failSurplusText(stream, token, around.before.member)
  else
    stream.fail(token.at, {
      what: `\`${shown(token.text)}\` stands where a key is expected`,
      why: 'each line has the form `key = value` or `key {`',
      remedy:
        token.kind === 'number'
          ? 'put a key that is a number in double quotes'
          : 'remove it, or write the key before it',
    })
}

/** `name = "a" "b"`: something follows a value on its line. */
function failSurplusText(stream: TokenStream, token: Token, before: Member): void {
  stream.fail(token.at, {
    what: `\`${shown(token.text)}\` stands after the value of \`${shown(before.key)}\``,
    why: 'a key has one value',
    remedy:
      'remove it, begin a new line before it if it is the next key, or write several values as a list: ["a", "b"]',
  })
}

/** A key that is followed neither by `=` nor by a block. */
function failAfterKey(stream: TokenStream, key: Label, labels: readonly Label[]): void {
  const next = stream.peek()
  const name = shown(key.text)
  const [label] = labels
  const value = label === undefined ? shownValue(next) : `"${shown(label.text)}"`
  if (next.kind === ':')
    stream.fail(next.at, {
      what: `\`:\` stands after \`${name}\``,
      why: 'in a block, key and value are joined by `=`',
      remedy: `write \`${name} = …\``,
    })
  else if (value === '')
    stream.fail(key.at, {
      what: `\`${name}\` has no value`,
      why: 'a key is followed by `= value` or by a block in braces',
      remedy: `write \`${name} = …\`, or remove it`,
    })
  else
    stream.fail(label?.at ?? next.at, {
      what: `\`=\` is missing after \`${name}\``,
      why: 'key and value are joined by `=`; only a block in braces goes without',
      remedy: `write \`${name} = ${value}\``,
    })
}

/** A token as the value it would be after `=`; '' where it is none, or stands on a later line. */
function shownValue(token: Token): string {
  if (token.startsLine) return ''
  if (token.kind === 'number') return shown(token.text)
  return token.kind === '[' ? '[…]' : ''
}

function readAttributeValue(stream: TokenStream, key: Label, depth: number): Value | undefined {
  const next = stream.peek()
  const isNextKey = next.startsLine && next.kind === 'name' && !constants.has(next.text)
  if (isNextKey || next.kind === '}' || next.kind === ',' || next.kind === 'end') {
    stream.fail(key.at, {
      what: `\`${shown(key.text)}\` has no value`,
      why: 'nothing stands after its `=`',
      remedy: 'write the value, or remove the line',
    })
    return undefined
  }
  return readValue(stream, key.text, depth)
}

/** Names that are values. */
const constants: ReadonlySet<string> = new Set(['true', 'false', 'null'])

/** A value for the key `name`. */
function readValue(stream: TokenStream, name: string, depth: number): Value | undefined {
  const next = stream.peek()
  if (!stream.countValue(next.at)) return undefined
  if (next.kind === '{') return readObject(stream, { kind: 'object', name, depth })
  if (next.kind === '[') return readList(stream, name, depth)
  const { at, text, number, kind } = stream.take()
  if (kind === 'string') return { kind: 'string', text, at }
  if (kind === 'number') return { kind: 'number', number, at }
  if (kind === 'name') {
    if (text === 'true' || text === 'false') return { kind: 'boolean', boolean: text === 'true', at }
    if (text === 'null') return { kind: 'null', at }
    stream.fail(at, unquotedWord(text, next.next, 'hcl'))
    return undefined
  }
  stream.fail(at, {
    what: `\`${kind}\` stands where a value is expected`,
    why: 'a value is text in double quotes, a number, true, false, a list or an object',
    remedy: 'remove it, or write the value',
  })
  return undefined
}

function readObject(
  stream: TokenStream,
  what: { readonly kind: 'block' | 'object'; readonly name: string; readonly depth: number },
): ObjectValue | undefined {
  const opened = stream.open(what.kind, what.name, what.depth)
  if (opened === undefined || !stream.countValue(opened.at)) return undefined
  const members = readMembers(stream, opened, what.depth + 1)
  return stream.failed ? undefined : { kind: 'object', members, at: opened.at }
}

function readList(stream: TokenStream, name: string, depth: number): Value | undefined {
  const opened = stream.open('list', name, depth)
  if (opened === undefined) return undefined
  const items: Value[] = []
  for (;;) {
    const token = stream.peek()
    if (token.kind === ']') {
      stream.take()
      return { kind: 'list', items, at: opened.at }
    }
    if (token.kind === 'end' || token.kind === '}') {
      stream.failUnclosed(opened)
      return undefined
    }
    const item = readItem(stream, opened, depth)
    if (item === undefined) return undefined
    items.push(item)
    const next = stream.peek()
    if (next.kind === ',') {
      stream.take()
      if (stream.peek().kind === ',') failSecondComma(stream, stream.peek())
    } else if (next.kind !== ']') {
      failAfterItem(stream, next, opened)
      return undefined
    }
  }
}

/** One item; a `key =` at the start of a line shows that the list's end is missing. */
function readItem(stream: TokenStream, opened: Opened, depth: number): Value | undefined {
  const token = stream.peek()
  if (token.kind !== 'name' || !token.startsLine || constants.has(token.text))
    return readValue(stream, opened.name, depth + 1)
  stream.take()
  const next = stream.peek()
  if (next.kind === '=' || next.kind === '{') stream.failUnclosed(opened)
  else stream.fail(token.at, unquotedWord(token.text, token.next, 'hcl'))
  return undefined
}

function failAfterItem(stream: TokenStream, token: Token, opened: Opened): void {
  if (token.kind === 'end' || token.kind === '}' || (token.kind === 'name' && token.startsLine))
    stream.failUnclosed(opened)
  else
    stream.fail(token.at, {
      what: `\`${shown(token.text)}\` follows an item of a list without a comma`,
      why: 'items of a list are separated by commas',
      remedy: 'write a comma before it, or `]` where the list ends',
    })
}
