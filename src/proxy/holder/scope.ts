/**
 * What one worker of a proxy is for: all services of the host, one of them, or to guide, that is to tell the holder which
 * services there are. As text in arguments, on the link and in logs. Knows no processes.
 */
export type WorkerScope =
  /** `proxy.isolation = "host"`: one worker serves everything. */
  | { readonly kind: 'host' }
  /** `proxy.isolation = "service"`: serves one service, and is given nothing of others. */
  | { readonly kind: 'service'; readonly service: string }
  /** Serves nothing and is given no keys. */
  | { readonly kind: 'guide' }

/** Of a proxy: one worker for everything, or one for each service. */
export type Isolation = 'host' | 'service'

/** For people, and the key of a worker in its holder. */
export function scopeName(scope: WorkerScope): string {
  return scope.kind === 'service' ? `service ${scope.service}` : scope.kind
}

/** Where a worker keeps its state, below the proxy's own folder; '' is the folder itself. Safe for any service's name. */
export function scopeFolder(scope: WorkerScope): string {
  switch (scope.kind) {
    case 'host':
      return ''
    case 'guide':
      return 'guide'
    case 'service':
      return `service-${Buffer.from(scope.service).toString('hex')}`
  }
}

/** Arguments of a worker process. */
export function scopeArguments(scope: WorkerScope): readonly string[] {
  switch (scope.kind) {
    case 'host':
      return []
    case 'guide':
      return ['--guide']
    case 'service':
      return ['--service', scope.service]
  }
}
