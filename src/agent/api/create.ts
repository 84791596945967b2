/**
 * The agent's HTTP server: one router behind any number of listeners (client addresses and a unix socket). Holds what is
 * true of every request; the endpoints are in the files that endpoints.ts lists.
 */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type FastifyInstance, fastify } from 'fastify'
import { limits } from '../../model/limits.ts'
import { TokenBucket } from '../../model/token-bucket.ts'
import { createChanges } from './changes.ts'
import { createConnections } from './connections.ts'
import type { Api, ApiDependencies, Endpoint } from './contract.ts'
import { type Dispatch, dispatch, refuse } from './dispatch.ts'
import { endpoints } from './endpoints.ts'
import { type Listener, type ListenTarget, listenOn } from './listen.ts'
import { ApiRefusal } from './refusal.ts'
import { refuseConnection, refuseUnparsed } from './unparsed.ts'

export type { ListenTarget } from './listen.ts'

export interface ApiServer {
  /** Resolves when all listeners accept; rejects with the system's error, and then none is left open. */
  listen(targets: readonly ListenTarget[]): Promise<void>
  /** Addresses that accept now, as `host:port` or a socket path, in the order of the targets. */
  addresses(): readonly string[]
  /** Stops accepting, ends what is under way and closes every connection. */
  close(): Promise<void>
}

/** An idle keep-alive connection is closed after this; longer than the pause between two scrapes of Prometheus. */
const keepAliveMs = 120_000

export function createApi(dependencies: ApiDependencies): ApiServer {
  const refusals = new TokenBucket(limits.httpRefusalsLoggedPerSecond, limits.httpRefusalsLoggedPerSecond)
  const api: Api = {
    ...dependencies,
    changes: createChanges(dependencies),
    mayLogRefusal: () => refusals.take(dependencies.clock.monotonicMs()) === 0,
  }
  const connections = createConnections(
    {
      perClient: dependencies.settings.httpMaxConnectionsPerClient,
      longPollsPerClient: limits.httpLongPollsPerClient,
    },
    api,
  )
  const server: Dispatch = { api, connections, calls: new Set() }
  const router = createRouter(server)
  const listeners: Listener[] = []

  return {
    async listen(targets) {
      await router.ready()
      try {
        for (const target of targets)
          listeners.push(await listenOn(createListener(router, server, target), target))
      } catch (error) {
        await Promise.all(listeners.splice(0).map((listener) => listener.close()))
        throw error
      }
    },
    addresses: () => listeners.map((listener) => listener.address),
    async close() {
      const closing = listeners.splice(0).map((listener) => listener.close())
      for (const call of server.calls) call.abort()
      await Promise.all(closing)
      await router.close()
    },
  }
}

/** No write timeout anywhere: a blocking read may take ten minutes to answer. */
function createListener(
  router: FastifyInstance,
  { api, connections }: Pick<Dispatch, 'api' | 'connections'>,
  target: ListenTarget,
): Server {
  const server = createServer(
    { maxHeaderSize: limits.httpHeaderBytes, keepAliveTimeout: keepAliveMs, noDelay: true },
    (request, response) => router.routing(request, response),
  )
  server.maxConnections = limits.httpConnections
  // In the place of Node's own listener, so that nothing a refused client sends is ever parsed or run.
  const attach = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket) => {
    if (!connections.accept(socket, target.kind)) refuseConnection(socket)
    else for (const listener of attach) listener.call(server, socket)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuseUnparsed(api, error, socket as Socket),
  )
  return server
}

function createRouter(server: Dispatch): FastifyInstance {
  const router = fastify({
    exposeHeadRoutes: false,
    bodyLimit: limits.httpBodyBytes,
    // Requests are checked by the endpoints themselves; the libraries for schemas are not even in the package.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    routerOptions: { maxParamLength: limits.httpHeaderBytes, ignoreTrailingSlash: false },
    frameworkErrors: (_error, request, reply) =>
      refuse(server.api, '*', { request, reply }, new ApiRefusal('bad-request', 'the path is not valid')),
  })
  router.removeAllContentTypeParsers()
  // Clients send JSON under any content type (curl: a form), so the type says nothing here.
  router.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  router.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    const exchange = { request, reply }
    refuse(server.api, request.routeOptions.url ?? '*', exchange, frameworkRefusal(error))
  })
  router.setNotFoundHandler((_request, reply) => reply.code(404).send(''))
  for (const endpoint of endpoints) if (endpoint.takesStream !== true) addRoute(router, server, endpoint)
  router.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
    for (const endpoint of endpoints) if (endpoint.takesStream === true) addRoute(scope, server, endpoint)
    done()
  })
  return router
}

function noSchemas(): never {
  throw new Error('no route has a schema')
}

function addRoute(router: FastifyInstance, server: Dispatch, endpoint: Endpoint): void {
  router.route({
    method: [...router.supportedMethods],
    url: endpoint.path,
    // Awaited here, each of thousands of held reads would cost another pair of promises.
    handler: (request, reply) => {
      void dispatch(server, endpoint, { request, reply })
    },
  })
}

/** What fastify itself refuses before a handler runs: a body over the limit, a broken length. */
function frameworkRefusal(error: Error & { readonly statusCode?: number }): unknown {
  if (error.statusCode === 413)
    return new ApiRefusal(
      'too-large',
      `Request body too large, max size: ${limits.httpBodyBytes} bytes (too-large)`,
    )
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new ApiRefusal('bad-request', error.message)
  return error
}
