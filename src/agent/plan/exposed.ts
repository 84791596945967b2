/** Listeners for the paths that proxies expose by their own settings: one per port. Pure; those of checks come ready-made. */
import type { ExposedPath, ExposedResource } from '../../model/proxy-config.ts'
import { listenerOf } from '../registry/registration.ts'
import type { LocalProxy } from './mesh-services.ts'

export function exposedOf({ service, proxy }: LocalProxy, bindAddress: string): readonly ExposedResource[] {
  const byPort = new Map<number, ExposedPath[]>()
  for (const { path, listenerPort, localPathPort } of proxy.expose.paths) {
    const paths = byPort.get(listenerPort) ?? []
    byPort.set(listenerPort, paths)
    paths.push({ path, localAddress: proxy.localServiceAddress, localPort: localPathPort })
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .map(([bindPort, paths]) => ({
      kind: 'exposed',
      name: `${service.id}/${bindPort}`,
      service: proxy.destinationServiceName,
      bindAddress: listenerOf(service, bindAddress).address,
      bindPort,
      protocol: proxy.expose.paths.find((path) => path.listenerPort === bindPort)?.protocol ?? 'http',
      hostOnly: false,
      paths,
    }))
}
