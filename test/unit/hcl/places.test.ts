// Values, keys and labels know where they stood, in lines and columns as editors count them.
import { expect, test } from 'vitest'
import type { Member, ObjectValue, Place, Value } from '../../../src/wire/hcl/tree.ts'
import { errors, tree } from './read.ts'

const at = ({ line, column }: Place): string => `${line}:${column}`

function member(object: ObjectValue, key: string): Member {
  const found = object.members.find((candidate) => candidate.key === key)
  if (found === undefined) throw new Error(`no ${key}`)
  return found
}

function objectAt(value: Value): ObjectValue {
  if (value.kind !== 'object') throw new Error(`a ${value.kind}`)
  return value
}

test('keys, values, labels, lists and their items', () => {
  const file = tree(
    'service "web" {\n  port = 8080\n\ttags = ["a",\n    "b"]\n}\n',
    '/etc/mesh-agent/web.hcl',
  )
  const service = member(file, 'service')
  expect([service.form, at(service.keyAt), at(service.value.at)]).toEqual(['block', '1:1', '1:15'])
  expect(service.labels.map((label) => `${label.text} ${at(label.at)}`)).toEqual(['web 1:9'])
  const port = member(objectAt(service.value), 'port')
  expect([port.form, at(port.keyAt), at(port.value.at)]).toEqual(['attribute', '2:3', '2:10'])
  expect(port.value.at.path).toBe('/etc/mesh-agent/web.hcl')
  const tags = member(objectAt(service.value), 'tags').value
  expect(at(tags.at)).toBe('3:9')
  expect(tags.kind === 'list' && tags.items.map((item) => at(item.at))).toEqual(['3:10', '4:5'])
})

test('columns count characters: a tab is one, an emoji is one, a byte order mark is none', () => {
  expect(at(member(tree('\uFEFFa = 1'), 'a').keyAt)).toBe('1:1')
  expect(at(member(tree('\ta = 1'), 'a').keyAt)).toBe('1:2')
  expect(at(member(tree('x = "🚀é", a = 1'), 'a').keyAt)).toBe('1:11')
  expect(errors(`x = "🚀\${y}"`)).toEqual([`1:7 \`\${\` begins an expression inside text`])
})

test('Windows line ends and heredocs do not shift what follows', () => {
  const file = tree('a = 1\r\n# c\r\nb = <<X\r\n1\r\n2\r\nX\r\nc = 3\r\n')
  expect(at(member(file, 'b').value.at)).toBe('3:5')
  expect(at(member(file, 'c').value.at)).toBe('7:5')
})

test('JSON has the same places', () => {
  const file = tree('{\n  "a": { "b": [1,\n 2] }\n}', 'a.json')
  const a = member(file, 'a')
  expect([at(file.at), at(a.keyAt), at(a.value.at)]).toEqual(['1:1', '2:3', '2:8'])
  const b = member(objectAt(a.value), 'b').value
  expect(b.kind === 'list' && b.items.map((item) => at(item.at))).toEqual(['2:16', '3:2'])
})
