/**
 * Why a connection was refused or ended: one code in the tunnel's answer, the log, the metric and the explanation.
 * `wire` is the number in REFUSED, RESET and GOAWAY frames; it never changes meaning.
 */
export interface RefusalEntry {
  readonly wire: number
  readonly what: string
  readonly remedy: string
  /** The dialler may try another instance: the refusal is about this instance, not about the caller. */
  readonly tryNext: boolean
}

export const refusalCatalogue = {
  'denied-by-intention': {
    wire: 1,
    what: 'An intention denies this source to call this destination.',
    remedy: '`mesh intention check SOURCE DESTINATION` names the rule.',
    tryNext: false,
  },
  'denied-by-default': {
    wire: 2,
    what: 'No intention matches and the mesh denies by default.',
    remedy: 'Allow it with `mesh intention allow SOURCE DESTINATION`.',
    tryNext: false,
  },
  'no-certificate': {
    wire: 3,
    what: 'The peer presented no certificate.',
    remedy: 'Only proxies of the mesh may connect here; use an upstream of a registered service.',
    tryNext: false,
  },
  'untrusted-certificate': {
    wire: 4,
    what: 'The peer’s certificate does not end in a root of its own trust domain.',
    remedy: 'Compare `mesh ca roots` on both hosts.',
    tryNext: false,
  },
  'expired-certificate': {
    wire: 5,
    what: 'The peer’s certificate is outside its validity period.',
    remedy: 'Check the clocks and why the other host could not renew.',
    tryNext: true,
  },
  'wrong-identity': {
    wire: 6,
    what: 'The peer’s certificate names something other than the service expected here.',
    remedy: 'Look for two services on one address and port.',
    tryNext: true,
  },
  'wrong-plane': {
    wire: 7,
    what: 'The peer used a host certificate where a service certificate is needed.',
    remedy: 'Connect through the proxy, which uses the service’s own certificate.',
    tryNext: false,
  },
  'protocol-error': {
    wire: 8,
    what: 'The peer broke the tunnel protocol.',
    remedy: 'Check that both proxies run compatible versions.',
    tryNext: true,
  },
  'version-mismatch': {
    wire: 9,
    what: 'The two proxies share no tunnel version.',
    remedy: 'Upgrade the older one.',
    tryNext: true,
  },
  'no-healthy-instance': {
    wire: 10,
    what: 'The destination has no instance that could be tried.',
    remedy: '`mesh services` shows what is registered and which check fails.',
    tryNext: false,
  },
  'connect-failed': {
    wire: 11,
    what: 'The far proxy could not be reached.',
    remedy: 'Check the network and that mesh-proxy runs on the other host.',
    tryNext: true,
  },
  'connect-timeout': {
    wire: 12,
    what: 'The far proxy did not answer in time.',
    remedy: 'Check the network; raise the upstream’s connect_timeout_ms if it is far away.',
    tryNext: true,
  },
  'local-connect-failed': {
    wire: 13,
    what: 'The far proxy could not reach its local service.',
    remedy: 'Check that the service listens on the port that it registered.',
    tryNext: true,
  },
  'too-many-connections': {
    wire: 14,
    what: 'A connection limit is reached.',
    remedy: 'Raise the limit that the log names, or add instances.',
    tryNext: true,
  },
  draining: {
    wire: 15,
    what: 'The far proxy is going away.',
    remedy: 'Nothing to do: the dialler takes another instance.',
    tryNext: true,
  },
  'not-ready': {
    wire: 16,
    what: 'The proxy has no configuration or no certificate yet.',
    remedy: 'Wait for the agent; `mesh services` shows whether the service is registered.',
    tryNext: true,
  },
  'handshake-failed': {
    wire: 17,
    what: 'The TLS handshake failed before the peer was known.',
    remedy:
      'The proxy’s log names the TLS error; peers with TLS 1.2 need `tls_min_version` in the service’s proxy.',
    tryNext: true,
  },
  'idle-timeout': {
    wire: 18,
    what: 'The peer did not finish its opening in time.',
    remedy: 'Check the network for loss.',
    tryNext: true,
  },
  'internal-error': {
    wire: 19,
    what: 'The proxy failed in a way it should not.',
    remedy: 'The proxy’s log tells more; please report it.',
    tryNext: true,
  },
  'caller-not-allowed': {
    wire: 20,
    what: 'The user who connects to the upstream is not one of those it is for.',
    remedy: 'Run the client as such a user, or add the user’s number to the upstream’s `allowed_uids`.',
    tryNext: false,
  },
  'host-evicted': {
    wire: 21,
    what: 'The peer’s certificate was signed for a host that has been evicted from the mesh since.',
    remedy: 'Let the host in again with a new token if it should be: `mesh token create -node NAME`.',
    tryNext: true,
  },
  'no-datagrams': {
    wire: 22,
    what: 'The destination takes no datagrams.',
    remedy:
      'Set `local_udp_port` in the `config` of the destination’s proxy; peers without the tunnel never take any.',
    tryNext: true,
  },
} as const satisfies Readonly<Record<string, RefusalEntry>>

export type RefusalCode = keyof typeof refusalCatalogue

export const refusalCodes = Object.keys(refusalCatalogue) as readonly RefusalCode[]

const byWire = new Map<number, RefusalCode>(refusalCodes.map((code) => [refusalCatalogue[code].wire, code]))

/** Unknown numbers come from newer peers; they count as `protocol-error`, never as success. */
export function refusalFromWire(wire: number): RefusalCode {
  return byWire.get(wire) ?? 'protocol-error'
}
