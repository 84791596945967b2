// Preloaded into our servers by a benchmark (NODE_OPTIONS=--import): times every fdatasync, and every write to a file whose
// writes are durable by themselves (O_DSYNC), and writes how long they took to the file of this process when SIGUSR2 asks for it.
// etcd tells the same by its own metrics.
import fs, { writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { fdatasync, openSync, write } = fs
const kept = 200_000
const durable = new Set()
let times = []

const took = (begunMs) => {
  if (times.length < kept) times.push(performance.now() - begunMs)
}

fs.fdatasync = (descriptor, done) => {
  const begunMs = performance.now()
  fdatasync(descriptor, (error) => {
    took(begunMs)
    done(error)
  })
}
fs.openSync = (path, flags, mode) => {
  const descriptor = openSync(path, flags, mode)
  if (typeof flags === 'number' && (flags & fs.constants.O_DSYNC) !== 0) durable.add(descriptor)
  else durable.delete(descriptor)
  return descriptor
}
fs.write = (descriptor, ...words) => {
  const done = words.at(-1)
  if (!durable.has(descriptor) || typeof done !== 'function') {
    write(descriptor, ...words)
    return
  }
  const begunMs = performance.now()
  write(descriptor, ...words.slice(0, -1), (...answer) => {
    took(begunMs)
    done(...answer)
  })
}
syncBuiltinESMExports()

process.on('SIGUSR2', () => {
  const file = `${process.env.MESH_SYNC_TIMES}.${process.pid}`
  writeFileSync(`${file}.part`, JSON.stringify(times))
  fs.renameSync(`${file}.part`, file)
  times = []
})
