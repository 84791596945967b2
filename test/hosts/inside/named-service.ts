/**
 * A service of a test: answers each request with the name of its host. Runs in a host by a Node.js of its own, so that no
 * upgrade of the package touches it; knows nothing of the mesh.   named-service.ts NAME PORT
 */
import http from 'node:http'

const [name = '', port = ''] = process.argv.slice(2)

const server = http.createServer((_request, response) => response.end(`hello from ${name}\n`))
// A server that ends an idle connection in the moment in which a request comes would be blamed on the mesh.
server.keepAliveTimeout = 600_000
server.listen(Number(port), '127.0.0.1')
