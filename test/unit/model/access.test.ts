import { expect, test } from 'vitest'
import { allowsService, anonymous, authorize, type Principal } from '../../../src/model/access.ts'

const host: Principal = { kind: 'host', node: 'h1', nodeId: 'id', services: ['web', 'api-*'] }
const operator: Principal = { kind: 'operator', name: 'root' }

function code(principal: Principal, action: Parameters<typeof authorize>[1]): string {
  const result = authorize(principal, action)
  return result.ok ? 'ok' : result.failure.code
}

test('a host registers itself and the services of its enrollment, nothing else', () => {
  expect(code(host, { kind: 'register', node: 'h1' })).toBe('ok')
  expect(code(host, { kind: 'register', node: 'h1', service: 'web' })).toBe('ok')
  expect(code(host, { kind: 'register', node: 'h1', service: 'api-7' })).toBe('ok')
  expect(code(host, { kind: 'register', node: 'h1', service: 'database' })).toBe('service-not-allowed')
  expect(code(host, { kind: 'register', node: 'h2', service: 'web' })).toBe('bad-token')
})

test('cluster-wide changes need an operator', () => {
  expect(code(operator, { kind: 'operate' })).toBe('ok')
  expect(code(host, { kind: 'operate' })).toBe('bad-token')
  expect(code(anonymous, { kind: 'operate' })).toBe('bad-token')
})

test('who proves nothing registers nothing', () => {
  expect(code(anonymous, { kind: 'register', node: 'h1' })).toBe('not-enrolled')
})

test('a star matches only at the end of a pattern', () => {
  expect(allowsService(['*'], 'anything')).toBe(true)
  expect(allowsService(['we*b'], 'web')).toBe(false)
  expect(allowsService([], 'web')).toBe(false)
})
