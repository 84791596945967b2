// Every form of HCL 1 and HCL 2 that configuration files use, and what it means.
import { expect, test } from 'vitest'
import { errors, plain } from './read.ts'

test.each<[string, string, unknown]>([
  ['an empty file', '', {}],
  ['a file of blanks and comments', '# a\n// b\n/* c\n d */ \t\r\n', {}],
  [
    'attributes',
    'a = 1\nb = "x"\nc = true\nd = false\ne = null',
    { a: 1, b: 'x', c: true, d: false, e: null },
  ],
  ['attributes with trailing commas (HCL 1)', 'a = 1,\nb = 2,', { a: 1, b: 2 }],
  ['attributes on one line', 'a = 1 b = "x", c = true', { a: 1, b: 'x', c: true }],
  ['a value on the next line', 'a =\n  "x"', { a: 'x' }],
  ['keys in quotes', '"a b" = 1', { 'a b': 1 }],
  ['keys with dots and dashes', 'a.b-c = 1', { 'a.b-c': 1 }],
  ['keys in other alphabets', 'größe = 1\nключ = 2', { größe: 1, ключ: 2 }],
  ['a block', 'a {\n b = 1\n}', { a: { b: 1 } }],
  ['an empty block', 'a {}', { a: {} }],
  ['a block on one line', 'a { b = 1 c = 2 }', { a: { b: 1, c: 2 } }],
  ['a block as an attribute', 'a = { b = 1 }', { a: { b: 1 } }],
  ['a block with its brace on the next line', 'a\n{\n}', { a: {} }],
  ['a block with a comma after it', 'a { b = 1 },\nc = 2', { a: { b: 1 }, c: 2 }],
  ['repeated blocks', 'a { b = 1 }\na { b = 2 }', { a: [{ b: 1 }, { b: 2 }] }],
  ['repeated blocks as attributes', 'a = { b = 1 }\na = { b = 2 }', { a: [{ b: 1 }, { b: 2 }] }],
  ['labels', 'a "x" "y" { b = 1 }', { a: { x: { y: { b: 1 } } } }],
  ['labels without quotes (HCL 2)', 'a x { b = 1 }', { a: { x: { b: 1 } } }],
  ['objects with colons (HCL 2)', 'a = { "b" : 1, c: 2 }', { a: { b: 1, c: 2 } }],
  ['objects separated by lines', 'a = {\n b = 1\n c: 2\n}', { a: { b: 1, c: 2 } }],
  ['a block inside an object (HCL 1)', 'a = { b { c = 1 } }', { a: { b: { c: 1 } } }],
  ['lists', 'a = [1, "x", true, [2], { b = 3 }]', { a: [1, 'x', true, [2], { b: 3 }] }],
  ['lists over lines with a trailing comma', 'a = [\n 1,\n 2,\n]', { a: [1, 2] }],
  ['an empty list', 'a = []', { a: [] }],
  ['a list of objects (HCL 2)', 'services=[{"k" : "v"},{"k" : "w"}]', { services: [{ k: 'v' }, { k: 'w' }] }],
  ['comments between everything', 'a /* x */ = # y\n [1, // z\n 2 /* w */]', { a: [1, 2] }],
  ['a mark in a comment', 'a = 1 # "{[', { a: 1 }],
  ['Windows line ends', 'a = 1\r\nb {\r\n c = 2\r\n}\r\n', { a: 1, b: { c: 2 } }],
  ['a byte order mark', '\uFEFFa = 1', { a: 1 }],
])('%s', (_, text, meaning) => {
  expect(plain(text)).toEqual(meaning)
})

test.each<[string, number]>([
  ['0', 0],
  ['-0', -0],
  ['8080', 8080],
  ['-17', -17],
  ['1.5', 1.5],
  ['1e3', 1000],
  ['1.5E-3', 0.0015],
  ['0x1F90', 8080],
  ['0XfF', 255],
  ['-0x10', -16],
  ['9007199254740991', 9_007_199_254_740_991],
])('the number %s', (text, value) => {
  expect(plain(`a = ${text}`)).toEqual({ a: value })
})

test.each(['9007199254740992', '-9007199254740993', '1e20', '0x20000000000000', '1e999'])(
  '%s is refused, because it would not be kept exactly',
  (text) => {
    expect(errors(`a = ${text}`)).toEqual([`1:5 \`${text}\` is too large`])
  },
)

test.each(['1.', '.5', '1_000', '0x', '0xZZ', '1.2.3', '12ab', '1e', '00', '007'])(
  '%s is not a number',
  (text) => {
    expect(errors(`a = ${text}`)).toHaveLength(1)
  },
)

test.each<[string, string]>([
  ['""', ''],
  ['"a"', 'a'],
  ['"tab\there"', 'tab\there'],
  [String.raw`"\" \\ \n \t \r"`, '" \\ \n \t \r'],
  [String.raw`"\u00e9 \U0001F680 \ud83d\ude80"`, 'é 🚀 🚀'],
  [String.raw`"\x41 \101"`, 'A A'],
  ['"€ é 🚀"', '€ é 🚀'],
  ['"{{ GetPrivateIP }}"', '{{ GetPrivateIP }}'],
  ['"$5 100% $$ $"', '$5 100% $$ $'],
  [`"$\${a} %%{b}"`, `\${a} %{b}`],
  ['"# not a comment // nor this"', '# not a comment // nor this'],
])('the string %s', (text, value) => {
  expect(plain(`a = ${text}`)).toEqual({ a: value })
})

test.each<[string, string, unknown]>([
  ['a heredoc', 'a = <<EOF\none\n  two\nEOF\nb = 1', { a: 'one\n  two\n', b: 1 }],
  ['an empty heredoc', 'a = <<EOF\nEOF\n', { a: '' }],
  ['a heredoc at the end of the file', 'a = <<EOF\nx\nEOF', { a: 'x\n' }],
  ['a heredoc with an indented marker', 'a = <<EOF\n  x\n  EOF\n', { a: '  x\n' }],
  [
    'a heredoc that takes indentation away',
    'a = <<-EOF\n    one\n      two\n\n    EOF\n',
    { a: 'one\n  two\n\n' },
  ],
  ['a heredoc with Windows line ends', 'a = <<EOF\r\none\r\nEOF\r\nb = 1', { a: 'one\n', b: 1 }],
  [
    'quotes, backslashes and braces in a heredoc',
    'a = <<X\n"\\n" {{ x }} }\nX\n',
    { a: '"\\n" {{ x }} }\n' },
  ],
  ['an escaped template in a heredoc', `a = <<X\n$\${x}\nX\n`, { a: `\${x}\n` }],
  ['heredocs in a list', 'a = [<<X\n1\nX\n, <<Y\n2\nY\n]', { a: ['1\n', '2\n'] }],
])('%s', (_, text, meaning) => {
  expect(plain(text)).toEqual(meaning)
})

test('a text that begins with a brace is JSON, whatever its name', () => {
  expect(plain('  {"a": [1, {"b": null}]}', 'a.hcl')).toEqual({ a: [1, { b: null }] })
})
