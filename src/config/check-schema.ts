/**
 * The keys of a health check, in Consul's names, each with its rule.
 * What they mean together is told in check.ts.
 */
import type { CheckStatus } from '../model/check.ts'
import { limits } from '../model/limits.ts'
import { hostPortRule } from './address.ts'
import { checkIdRule, idRule, textLists } from './names.ts'
import { quoted } from './reading.ts'
import { consulOnly, renamed, tenancy } from './refusals.ts'
import { duration, freeText, oneOf, type TextRule, text, toggle, wholeNumber } from './scalars.ts'
import { list, one, type Refusals, schema } from './schema.ts'

const urlRule: TextRule = {
  form: 'a URL that begins with http:// or https://',
  example: 'http://127.0.0.1:8080/health',
  maxChars: 2_048,
  accepts: (url) => /^https?:\/\//i.test(url) && URL.canParse(url),
  explain: (url) =>
    /^[\w.[\]:-]+(\/|$)/.test(url) && URL.canParse(`http://${url}`)
      ? { remedy: `write ${quoted(`http://${url}`)}` }
      : undefined,
}

const nameRule: TextRule = { form: 'text', example: 'web answers', maxChars: 512 }

const count = wholeNumber({ form: 'a whole number from 0 to 1000', example: 3, min: 0, max: 1_000 })

const runDuration = {
  minMs: limits.checkIntervalMinMs,
  maxMs: limits.checkIntervalMaxMs,
  whyMin: 'a check runs at most once a second',
} as const

/** `host:port`, or `host:port/service` for one service of a gRPC server. */
const grpcRule: TextRule = {
  form: 'host:port or host:port/service',
  example: '127.0.0.1:9090/orders',
  maxChars: 512,
  accepts: (text) => {
    const slash = text.indexOf('/')
    return hostPortRule.accepts?.(slash < 0 ? text : text.slice(0, slash)) ?? true
  },
}

const containerRule: TextRule = {
  form: 'a container id or name',
  example: 'web-1',
  maxChars: limits.catalogIdChars,
  accepts: (text) => /^[A-Za-z0-9][\w.-]*$/.test(text),
}

const unitRule: TextRule = {
  form: 'the name of a systemd unit',
  example: 'nginx.service',
  maxChars: 256,
  accepts: (text) => /^[A-Za-z0-9][\w.:@\\-]*$/.test(text),
}

const shellRule: TextRule = { form: 'a program in the container', example: '/bin/sh', maxChars: 512 }

const refusals: Refusals = {
  ...consulOnly(['exposed_port', 'proxy_http', 'proxy_grpc', 'token']),
  ...tenancy,
  ...renamed(['url'], 'http'),
  ...renamed(['command', 'cmd', 'exec'], 'args'),
  ...renamed(['service', 'service_name'], 'service_id'),
  script: {
    what: '`script` is not supported',
    why: 'commands are run without a shell, as a list of the program and its arguments',
    remedy: 'write `args = ["/path/to/program", "argument"]`',
  },
}

export const checkSchema = schema(
  'a check',
  {
    id: one(text(checkIdRule)),
    name: one(text(nameRule)),
    notes: one(freeText(limits.descriptionChars)),
    service_id: one(text(idRule)),
    status: one(oneOf<CheckStatus>({ passing: 'passing', warning: 'warning', critical: 'critical' })),
    interval: one(duration({ ...runDuration, example: '10s' })),
    timeout: one(
      duration({ ...runDuration, minMs: 1, example: '2s', whyMin: 'a check needs some time to answer' }),
    ),
    http: one(text(urlRule)),
    method: one(
      text({
        form: 'an HTTP method in capital letters',
        example: 'GET',
        maxChars: 32,
        accepts: (method) => /^[A-Z]+$/.test(method),
        explain: (method) =>
          /^[a-z]+$/i.test(method) ? { remedy: `write "${method.toUpperCase()}"` } : undefined,
      }),
    ),
    header: one(textLists),
    body: one(freeText(limits.configFileBytes)),
    disable_redirects: one(toggle),
    tls_server_name: one(text({ form: 'a host name', example: 'web.example.com', maxChars: 253 })),
    tls_skip_verify: one(toggle),
    h2ping: one(text(hostPortRule)),
    h2ping_use_tls: one(toggle),
    tcp: one(text(hostPortRule)),
    tcp_use_tls: one(toggle),
    udp: one(text(hostPortRule)),
    grpc: one(text(grpcRule)),
    grpc_use_tls: one(toggle),
    docker_container_id: one(text(containerRule)),
    shell: one(text(shellRule)),
    os_service: one(text(unitRule)),
    ttl: one(
      duration({
        ...runDuration,
        example: '30s',
        whyMin: 'a shorter time could pass between two heartbeats',
      }),
    ),
    args: list(freeText(4_096), 'a list of the program and its arguments', '["/path/to/program"]'),
    alias_node: one(text({ form: 'a node name', example: 'host-1', maxChars: 253 })),
    alias_service: one(text(idRule)),
    success_before_passing: one(count),
    failures_before_warning: one(count),
    failures_before_critical: one(count),
    deregister_critical_service_after: one(
      duration({
        ...runDuration,
        minMs: 60_000,
        example: '90m',
        whyMin: 'a service is removed after a minute at the earliest',
      }),
    ),
    output_max_size: one(
      wholeNumber({
        form: `a whole number of bytes from 1 to ${limits.checkOutputLargestBytes}`,
        example: limits.checkOutputBytes,
        min: 1,
        max: limits.checkOutputLargestBytes,
      }),
    ),
  },
  { aliases: { check_id: 'id', script_args: 'args' }, refusals },
)
