/**
 * The service `backend` of the host tests, run on a host by the package's own Node. Listens on loopback only, so a
 * request from another host can only have come through the proxies; counts, so that a refusal can be seen from here.
 */
import { createServer } from 'node:http'
import { hostname } from 'node:os'

let served = 0
createServer((request, response) => {
  if (request.url === '/health') response.end('fine\n')
  else if (request.url === '/served') response.end(String(served))
  else response.end(`backend on ${hostname()}, request ${++served}\n`)
}).listen(8080, '127.0.0.1')
