/**
 * While a simulation runs, everything that would bring in the real world throws: the time of day, timers, randomness.
 * What the code under test needs of these it must ask of its ports; a leak would make runs differ.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'

const forbidden: readonly (readonly [owner: object, ownerName: string, names: readonly string[]])[] = [
  [Date, 'Date', ['now']],
  [Math, 'Math', ['random']],
  [performance, 'performance', ['now']],
  [globalThis, 'globalThis', ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']],
  [timers, 'timers', ['setTimeout', 'setInterval', 'setImmediate']],
  [process, 'process', ['nextTick', 'hrtime', 'uptime']],
  [crypto, 'crypto', ['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync']],
]

/** Runs `work`, which must be synchronous, in a world without time. */
export function withoutRealTime<Value>(work: () => Value): Value {
  const undo = forbidden.flatMap(([owner, ownerName, names]) =>
    names.map((name) => replace(owner, name, `${ownerName}.${name}`)),
  )
  const RealDate = Date
  // `new Date()` reads the clock too; with arguments it is only arithmetic.
  globalThis.Date = new Proxy(RealDate, {
    construct(target, args) {
      if (args.length === 0) throw new LeakError('new Date()')
      return Reflect.construct(target, args) as object
    },
  })
  syncBuiltinESMExports()
  try {
    return work()
  } finally {
    globalThis.Date = RealDate
    for (const restore of undo) restore()
    syncBuiltinESMExports()
  }
}

export class LeakError extends Error {
  constructor(what: string) {
    super(`${what} was called inside a simulation`)
    this.name = 'LeakError'
  }
}

function replace(owner: object, name: string, what: string): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, {
    configurable: true,
    writable: true,
    value: () => {
      throw new LeakError(what)
    },
  })
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name)
    else Object.defineProperty(owner, name, own)
  }
}
