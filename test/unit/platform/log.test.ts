import { expect, test } from 'vitest'
import { limits } from '../../../src/model/limits.ts'
import { createLog, type LogOptions } from '../../../src/platform/log.ts'

function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const write = (line: string): void => {
    lines.push(line)
  }
  return { lines, log: createLog({ level: 'info', json: true, write, ...options }) }
}

test('a JSON line has level, time, message, the fields of the program and those of the call', () => {
  const { lines, log } = recorded({ fields: { program: 'agent' } })
  log.with({ service: 'web' }).info('Registered', { port: 8080 })
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    program: 'agent',
    service: 'web',
    port: 8080,
    msg: 'Registered',
  })
})

test('a line for people stands on one line and quotes what needs it', () => {
  const { lines, log } = recorded({ json: false })
  log.warn('The catalog refuses a registration', { reason: 'not\nenrolled', code: 'bad-token', rows: ['a'] })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    /^\S+Z WARN {2}The catalog refuses a registration reason="not\\nenrolled" code=bad-token rows=\["a"\]\n$/,
  )
})

test('lines below the level are left out, and a change of level reaches logs made before it', () => {
  const { lines, log } = recorded()
  const child = log.with({ a: 1 })
  child.debug('hidden')
  log.setLevel('debug')
  child.debug('shown')
  log.setLevel('error')
  child.warn('hidden again')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['shown'])
})

test('fields that would carry a secret are blanked, also one level down', () => {
  const { lines, log } = recorded()
  log.info('x', { privateKeyPem: 'SECRET1', leaf: { privateKeyPem: 'SECRET2' }, token: 'SECRET3' })
  log.with({ secret: 'SECRET4' }).info('y')
  expect(lines.join('')).not.toContain('SECRET')
})

test('an error in a field keeps its text', () => {
  const { lines, log } = recorded()
  log.error('failed', { error: new Error('disk is full') })
  expect(JSON.parse(lines[0] ?? '').error).toContain('disk is full')
})

test('a follower gets lines below the level of the log itself, in its own form, until it stops', () => {
  const { lines, log } = recorded()
  const followed: string[] = []
  const following = log.follow({ level: 'debug', json: false }, (line) => followed.push(line))
  log.with({ a: 1 }).debug('a detail')
  log.info('for both')
  following?.stop()
  log.info('for the log alone')
  expect(followed).toEqual([
    expect.stringMatching(/^\S+Z DEBUG a detail a=1\n$/),
    expect.stringMatching(/^\S+Z INFO {2}for both\n$/),
  ])
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['for both', 'for the log alone'])
})

test('only so many may follow a log at once', () => {
  const { log } = recorded()
  const follow = () => log.follow({ level: 'info', json: true }, () => undefined)
  const all = Array.from({ length: limits.logFollowers }, follow)
  expect(follow()).toBeUndefined()
  all[0]?.stop()
  expect(follow()).toBeDefined()
})
