// Regular expressions of RE2's syntax: what they find, what is refused, and that no pattern takes long.
import { expect, test } from 'vitest'
import { compilePattern } from '../../../src/model/filter/pattern.ts'
import { limits } from '../../../src/model/limits.ts'

function found(pattern: string, text: string): boolean {
  const compiled = compilePattern(pattern)
  if (!compiled.ok) throw new Error(`${pattern}: ${compiled.failure.message}`)
  return compiled.value(text)
}

test.each<[string, readonly string[], readonly string[]]>([
  ['', ['', 'x'], []],
  ['b', ['b', 'abc'], ['a', '']],
  ['^ab', ['abc'], ['cab']],
  ['ab$', ['cab'], ['abc', 'ab\n']],
  ['^$', [''], ['a']],
  ['(?m)^b$', ['a\nb\nc'], ['a\nbc']],
  ['a.c', ['abc', 'a\u{1F600}c'], ['a\nc', 'ac']],
  ['(?s)a.c', ['a\nc'], []],
  ['a*b', ['b', 'aaab'], ['a']],
  ['a+b', ['aab'], ['b']],
  ['^a?b$', ['b', 'ab'], ['aab']],
  ['^a{2}$', ['aa'], ['a', 'aaa']],
  ['^a{2,}$', ['aa', 'aaaa'], ['a']],
  ['^a{2,3}?$', ['aa', 'aaa'], ['a', 'aaaa']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['^(?:ab|cd|)e$', ['abe', 'cde', 'e'], ['abcde']],
  ['^(a|b)*c$', ['c', 'ababc'], ['abd']],
  ['(?P<name>x)(?<other>y)', ['xy'], ['x']],
  ['[a-c]', ['b'], ['d']],
  ['[^a-c]', ['d', '\n'], ['abc']],
  ['^[]a]$', [']', 'a'], ['b']],
  ['^[^]a]$', ['b'], [']', 'a']],
  ['^[a-]$', ['-', 'a'], ['b']],
  ['^[\\d\\-x]+$', ['1-x'], ['a']],
  ['^[[:alpha:][:digit:]_]+$', ['aZ0_'], ['-']],
  ['^[[:^alpha:]]$', ['1'], ['a']],
  ['^\\d\\D\\s\\S\\w\\W$', ['1a b_-'], ['aa b_-']],
  ['\\bfoo\\b', ['a foo b', 'foo'], ['afoo', 'foo_']],
  ['a\\Bb', ['ab'], ['a b']],
  ['\\Aa\\z', ['a'], ['ba', 'ab']],
  ['(?i)web', ['WEB', 'wEb'], ['wab']],
  ['(?i:w)eb', ['Web'], ['wEb']],
  ['(?i)[a-c]+d(?-i)e', ['ABDe'], ['ABDE']],
  ['(?i)k', ['\u212a'], []],
  ['(?U)a+', ['a'], []],
  ['\\.\\*\\/\\[', ['.*/['], ['a*/[']],
  ['^\\Qa.b*\\E+$', ['a.b*', 'a.b***'], ['axb*', 'a.ba.b*']],
  ['\\Q..', ['..'], ['ab']],
  ['\\x41\\x{1F600}\\101\\t', ['A\u{1F600}A\t'], ['A']],
  ['^\\p{Greek}\\pL\\p{Lu}\\P{N}$', ['\u03b1aBx'], ['aaBx', '\u03b1aB1']],
  ['^(((a)))$', ['a'], ['']],
  ['(a*)*b', ['aab', 'b'], ['a']],
  ['(|a)+$', ['', 'aa'], []],
])('%s', (pattern, yes, no) => {
  for (const text of yes) expect(found(pattern, text), JSON.stringify(text)).toBe(true)
  for (const text of no) expect(found(pattern, text), JSON.stringify(text)).toBe(false)
})

test.each([
  ['(?=a)', 'looking ahead'],
  ['(?!a)', 'looking ahead'],
  ['(?<=a)', 'looking ahead'],
  ['(?<!a)', 'looking ahead'],
  ['(?>a)', 'looking ahead'],
  ['(a)\\1', 'back references'],
  ['\\k', 'no escape'],
  ['\\Z', 'no escape'],
  ['(?x)a', 'opens no group'],
  ['a)', 'closes nothing'],
  ['(a', 'never closed'],
  ['[a', 'never closed'],
  ['a**', 'repetition of a repetition'],
  ['+a', 'nothing in front'],
  ['(|*)', 'nothing in front'],
  ['a{1001}', 'count'],
  ['a{3,2}', 'count'],
  ['[b-a]', 'range'],
  ['\\p{Nope}', 'no Unicode class'],
  ['\\x{110000}', 'no character'],
  ['\\', 'ends too early'],
  ['(((a{100}){100}){100})', 'too large'],
  ['(((){1000}){1000}){1000}', 'too large'],
  ['('.repeat(200) + ')'.repeat(200), 'nested'],
  ['a'.repeat(2_000), 'limit'],
])('%.40s is refused: %s', (pattern, why) => {
  const compiled = compilePattern(pattern)
  expect(compiled.ok ? 'accepted' : compiled.failure.message).toContain(why)
})

test('patterns that are exponential elsewhere cost no more steps than text times pattern', () => {
  const text = `${'a'.repeat(4_096)}b`
  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(a*)*c', '(?:a?){64}a{64}c', '([a-z]+)*\\d'])
    expect(found(pattern, text), pattern).toBe(false)
  expect(found(`a{${limits.patternRepeats}}b`, text)).toBe(true)
})

test('a pattern with more states than are remembered finds the same', () => {
  // Each state is the last fourteen characters: 16,384 of them.
  const compiled = compilePattern('a[ab]{13}$')
  if (!compiled.ok) throw new Error(compiled.failure.message)
  let state = 7
  const text = Array.from({ length: 3_000 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state & 0x10000 ? 'a' : 'b'
  }).join('')
  for (let length = 2_000; length < text.length; length += 7) {
    const sample = text.slice(0, length)
    expect(compiled.value(sample)).toBe(sample.at(-14) === 'a')
  }
})
