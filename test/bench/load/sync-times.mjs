// Preloaded into our servers by a benchmark (NODE_OPTIONS=--import): times every fdatasync, and writes how long they took
// to the file of this process when SIGUSR2 asks for it. etcd tells the same by its own metrics.
import fs, { writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { fdatasync } = fs
const kept = 200_000
let times = []

fs.fdatasync = (descriptor, done) => {
  const begunMs = performance.now()
  fdatasync(descriptor, (error) => {
    if (times.length < kept) times.push(performance.now() - begunMs)
    done(error)
  })
}
syncBuiltinESMExports()

process.on('SIGUSR2', () => {
  const file = `${process.env.MESH_SYNC_TIMES}.${process.pid}`
  writeFileSync(`${file}.part`, JSON.stringify(times))
  fs.renameSync(`${file}.part`, file)
  times = []
})
