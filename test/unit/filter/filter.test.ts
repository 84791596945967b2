// What filter expressions mean, operator by operator and kind by kind, as Consul documents them.
import { describe, expect, test } from 'vitest'
import { passes, web } from './rows.ts'

describe.each<[string, readonly string[], readonly string[]]>([
  [
    'texts',
    ['Name == web', 'Name == "web"', 'Name == `web`', 'Name != db', 'Name matches "^w.b$"', 'we in Name'],
    ['Name == db', 'Name != web', 'Name not matches "w"', 'db in Name', 'Name is empty', 'Name == WEB'],
  ],
  [
    'numbers',
    ['Port == 8080', 'Port != 80', 'Port == "8080"', 'Port == "0x1f90"', 'Addresses.lan.Port == 1'],
    ['Port == 80', 'Port != 8080', 'Port == -8080'],
  ],
  ['flags', ['Native == true', 'Native == 1', 'Native != false', 'Native != F'], ['Native == false']],
  [
    'lists',
    ['v1 in Tags', 'Tags contains "primary"', '"v2" not in Tags', 'Tags not contains x', 'Tags is not empty'],
    ['v in Tags', 'Tags contains V1', 'v1 not in Tags', 'Tags is empty'],
  ],
  [
    'maps',
    [
      'Meta.env == prod',
      'Meta["env"] == prod',
      'Meta["a.b"] == dotted',
      'Meta[`c/d`] == slash',
      '"/Meta/a.b" == dotted',
      '"/Meta/c~1d" == slash',
      'env in Meta',
      'Meta contains "a.b"',
      'Meta is not empty',
      'Node.Meta.rack == r1',
      'Meta.empty is empty',
    ],
    ['Meta.env == dev', 'nothing in Meta', 'prod in Meta', 'Meta is empty', 'Node.Meta.rack != r1'],
  ],
  [
    'keys that a map lacks',
    [
      'Meta.no != x',
      'Meta.no is empty',
      'x not in Meta.no',
      'Meta.no not matches ".*"',
      'Addresses.wan.Port != 1',
    ],
    [
      'Meta.no == ""',
      'Meta.no is not empty',
      '"" in Meta.no',
      'Meta.no matches ".*"',
      'Addresses.wan.Port == 0',
    ],
  ],
  [
    'keys that every object has',
    ['Meta.constructor is empty', 'constructor not in Meta', 'Meta["__proto__"] != x'],
    ['Meta.constructor is not empty', 'constructor in Meta', 'Addresses.toString.Address == ""'],
  ],
  [
    'lists of objects, where any one is enough',
    ['Checks.Status == critical', 'Checks.Status != critical', 'x in Checks.Tags', 'Checks is not empty'],
    ['Checks.Status == warning', 'Checks is empty', 'not Checks.Status != critical'],
  ],
  [
    'logic: not before and before or, and parentheses',
    [
      'Name == db or Name == web',
      'Name == web and Port == 8080',
      'Name == web or Name == db and Port == 1',
      'not Name == db',
      'not not Name == web',
      'not (Name == db or Port == 1) and (Native == true)',
      '( Name==web )',
      '(Name==web)and(Port==8080)',
      '\tName == web\r\n and Port == 8080 ',
    ],
    ['(Name == web or Name == db) and Port == 1', 'not Name == web or Port == 1', 'not (Name == web)'],
  ],
])('%s', (_, yes, no) => {
  test.each(yes)('%s', (expression) => expect(passes(expression, web)).toBe(true))
  test.each(no)('is not so: %s', (expression) => expect(passes(expression, web)).toBe(false))
})

test('a field that a row leaves out has the empty value of its kind', () => {
  const yes = [
    'Name == ""',
    'Name is empty',
    'Port == 0',
    'Native == false',
    'Tags is empty',
    'x not in Tags',
    'Meta is empty',
    'Meta.env is empty',
    'Node.Name == ""',
    'Checks is empty',
    'Name matches "^$"',
  ]
  for (const expression of yes) {
    expect(passes(expression, {}), expression).toBe(true)
    expect(passes(`not ${expression}`, {}), expression).toBe(false)
  }
  expect(passes('Checks.Status != x', {})).toBe(false)
})

test('values are words, numbers or quoted, and quotes keep what is between them', () => {
  const row = (Name: string) => ({ Name })
  expect(passes('Name == a.b', row('a.b'))).toBe(true)
  expect(passes('Name == a/b_c', row('a/b_c'))).toBe(true)
  expect(passes('Name == -1.50', row('-1.50'))).toBe(true)
  expect(passes('Name == "a and b"', row('a and b'))).toBe(true)
  expect(passes('Name == "/a"', row('/a'))).toBe(true)
  expect(passes('Name == "\\"\\\\\\n\\u00e9\\x41"', row('"\\\n\u00e9A'))).toBe(true)
  expect(passes('Name == `a\\"`', row('a\\"'))).toBe(true)
  expect(passes('Name == and', row('and'))).toBe(true)
})

test('an empty filter passes everything', () => {
  expect(passes('', web)).toBe(true)
  expect(passes('  ', {})).toBe(true)
})
