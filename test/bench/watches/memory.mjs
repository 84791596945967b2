// Preloaded into a program by a benchmark (NODE_OPTIONS=--import): on SIGUSR2 collects all garbage and writes what memory is left
// and every metric of the program to a file of this process.
import { renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Registry } from 'prom-client'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

const registries = new Set()
const { registerMetric } = Registry.prototype
Registry.prototype.registerMetric = function (metric) {
  registries.add(this)
  return registerMetric.call(this, metric)
}

process.on('SIGUSR2', async () => {
  const texts = await Promise.all([...registries].map((registry) => registry.metrics()))
  collect()
  collect()
  const file = `${process.env.MESH_MEMORY}.${process.pid}`
  const { rss, heapUsed, external } = process.memoryUsage()
  writeFileSync(`${file}.part`, JSON.stringify({ rss, heapUsed, external, metrics: texts.join('\n') }))
  renameSync(`${file}.part`, file)
})
