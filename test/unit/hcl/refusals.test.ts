// Texts that are refused, and where the finger points. The words of the common mistakes are golden (unit/config/broken).
import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { errors, plain } from './read.ts'

test.each<[string, string, string]>([
  [
    'an unclosed block is shown where it begins',
    'a {\n  b {\n    c = 1\n  }\n',
    '1:3 the block `a` that begins here is not closed',
  ],
  [
    'of nested blocks the one that lacks its brace is shown, as the indentation tells',
    'a {\n  b {\n    c = 1\n}\n',
    '2:5 the block `b` that begins here is not closed',
  ],
  [
    'a brace too many is shown, with the line of the early one',
    'a {\n  b {\n  }\n  }\n}\n',
    '5:1 this `}` closes nothing',
  ],
  ['a list that a key follows', 'a = [1, 2\nb = 3', '1:5 the list `a` that begins here is not closed'],
  [
    'a list that a key follows after a comma',
    'a = [1,\nb = 3',
    '1:5 the list `a` that begins here is not closed',
  ],
  [
    'a list that a block follows after a comma',
    'a = [1,\nb {\n}',
    '1:5 the list `a` that begins here is not closed',
  ],
  ['a list that a brace ends', 'a { b = [1 }', '1:9 the list `b` that begins here is not closed'],
  ['a bracket that closes nothing', 'a = 1\n]', '2:1 this `]` closes nothing'],
  ['a string that a line break ends', 'a = "b\nc"', '1:5 the string that begins here is not closed'],
  ['a string that the file ends', 'a = "b', '1:5 the string that begins here is not closed'],
  ['a control character in a string', 'a = "b\u0007"', '1:7 a control character U+0007 stands in a string'],
  ['a control character outside', 'a = 1\n\u0000', '2:1 a character U+0000 stands here'],
  ['an escape that is none', 'a = "\\q"', '1:6 `\\q` is not an escape'],
  ['an escape without its digits', 'a = "\\u12"', '1:6 `\\u` is not an escape'],
  ['an escape beyond Unicode', 'a = "\\UFFFFFFFF"', '1:6 `\\U` is not an escape'],
  ['a backslash before the line break', 'a = "b\\\n"', '1:7 a single backslash stands in a string'],
  ['a heredoc without a marker', 'a = <<\nx\n', '1:5 `<<` is not followed by a marker alone on its line'],
  [
    'a heredoc with text after its marker',
    'a = <<X y\nX\n',
    '1:5 `<<` is not followed by a marker alone on its line',
  ],
  ['an expression in a heredoc', `a = <<X\nb\n \${c}\nX\n`, `3:2 \`\${\` begins an expression inside text`],
  ['a directive of a template', 'a = "%{ if x }"', '1:6 `%{` begins an expression inside text'],
  ['a variable', 'a = var.port', '1:5 `var.port` refers to a variable'],
  ['a function', 'a = max(1, 2)', '1:5 `max(` calls a function'],
  ['arithmetic', 'a = 1 + 2', '1:7 `+` is not part of a value'],
  ['a switch in capitals', 'a = TRUE', '1:5 `TRUE` is not a value'],
  ['a switch in words', 'a = yes', '1:5 `yes` is not a value'],
  ['two commas', 'a = [1,, 2]', '1:8 a second comma stands here'],
  ['two commas after an attribute', 'a = 1,, b = 2', '1:7 a second comma stands here'],
  ['a comma first', ', a = 1', '1:1 `,` stands where a key is expected'],
  ['a number as a key', '8080 = 1', '1:1 `8080` stands where a key is expected'],
  ['a key alone', 'a\nb = 1', '1:1 `a` has no value'],
  ['a value alone on its line', 'a = 1\n"b"\nc = 2', '2:1 `b` has no value'],
  ['two values', 'a = 1 2', '1:7 `2` stands after the value of `a`'],
  ['two texts', 'a = "b" "c"', '1:9 `c` stands after the value of `a`'],
  ['two equals signs', 'a == 1', '1:4 `=` stands where a value is expected'],
  ['a colon in a block', 'a { b: 1 }', '1:6 `:` stands after `b`'],
  ['no equals sign before a list', 'a ["b"]', '1:3 `=` is missing after `a`'],
  ['a key with a meaning of its own', 'a { __proto__ { b = 1 } }', '1:5 `__proto__` is not a usable key'],
  ['a label with a meaning of its own', 'a "__proto__" { b = 1 }', '1:3 `__proto__` is not a usable key'],
])('%s', (_, text, error) => {
  expect(errors(text)).toEqual([error])
})

test.each<[string, string, string]>([
  ['a trailing comma in a list', '{"a": [1,]}', '1:9 a comma stands before `]`'],
  ['a key without quotes', '{a: 1}', '1:2 `a` stands where a key is expected'],
  ['a missing colon', '{"a" 1}', '1:6 `:` is missing after "a"'],
  ['an equals sign', '{"a" = 1}', '1:6 `:` is missing after "a"'],
  ['a missing value', '{"a": }', '1:7 `}` stands where a value is expected'],
  ['an unclosed object', '{"a": {"b": 1}', '1:1 the object that begins here is not closed'],
  ['an unclosed list', '{"a": [1, 2}', '1:7 the list `a` that begins here is not closed'],
  ['a surplus brace', '{"a": 1}}', '1:9 this `}` closes nothing'],
  ['text after the object', '{"a": 1} x', '1:10 `x` stands after the end of the JSON object'],
  ['a list as the file', '["a"]', '1:1 the JSON is not an object'],
  ['an empty file', '', '1:1 the text ends where a value is expected'],
  ['a key twice', '{"a": {}, "a": {}}', '1:11 `a` is given twice'],
  ['a comment', '{"a": 1} # x', '1:10 a comment stands in a JSON file'],
  ['a hexadecimal number', '{"a": 0x10}', '1:7 `0x10` is not a JSON number'],
  ['a plus sign', '{"a": +1}', '1:7 `+` is not part of a value'],
  ['a raw tab in a string', '{"a": "b\tc"}', '1:9 a control character U+0009 stands in a string'],
  ["HCL's escapes", '{"a": "\\x41"}', '1:8 `\\x` is not an escape'],
  ['a reserved key', '{"__proto__": {}}', '1:2 `__proto__` is not a usable key'],
])('JSON: %s', (_, text, error) => {
  expect(errors(text, 'a.json')).toEqual([error])
})

test('a key that is given twice does not hide the next mistake', () => {
  expect(errors('a = 1\na = 2\nb = 1\nb = [2]\nc = x')).toEqual([
    '2:1 `a` is given twice',
    '4:1 `b` is given twice',
    '5:5 `x` stands without quotes',
  ])
})

test('repeated keys are counted up to the bound of shown errors', () => {
  expect(errors('a = 1\n'.repeat(1_000))).toHaveLength(limits.configErrorsShown)
})

test('nesting is allowed up to the limit and refused beyond it, in blocks, objects, lists and JSON', () => {
  const depth = limits.hclDepth
  const tooDeep = `this is nested more than ${depth} levels deep`
  for (const [open, close] of [
    ['a {', '}'],
    ['a = {', '}'],
  ] as const) {
    expect(errors(open.repeat(depth) + close.repeat(depth))).toEqual([])
    expect(errors(open.repeat(depth + 1) + close.repeat(depth + 1))[0]).toContain(tooDeep)
  }
  expect(errors(`a = ${'['.repeat(depth)}${']'.repeat(depth)}`)).toEqual([])
  expect(errors(`a = ${'['.repeat(depth + 1)}${']'.repeat(depth + 1)}`)[0]).toContain(tooDeep)
  expect(errors(`{"a": ${'['.repeat(depth)}${']'.repeat(depth)}}`, 'a.json')[0]).toContain(tooDeep)
})

test('a file over the size limit, or with more values than any file needs, is refused', () => {
  expect(errors(' '.repeat(limits.configFileBytes + 1))).toEqual([
    `1:1 the file is longer than ${limits.configFileBytes} bytes`,
  ])
  expect(errors(`a = [${'1,'.repeat(limits.hclValues)}]`)[0]).toContain(
    `the file holds more than ${limits.hclValues} values`,
  )
})

test('no key of a file reaches a prototype', () => {
  const meaning = plain('constructor { prototype { polluted = true } }\ntoString = "x"\nhasOwnProperty = 1')
  expect(meaning).toEqual({
    constructor: { prototype: { polluted: true } },
    toString: 'x',
    hasOwnProperty: 1,
  })
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
