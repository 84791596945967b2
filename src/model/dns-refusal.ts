/**
 * Why a DNS query got an error instead of an answer: one code in the log, the metric and the explanation. A name that is not
 * there (NXDOMAIN) is an answer and stands in no list.
 */
export interface DnsRefusalEntry {
  /** What the client sees. */
  readonly status: 'FORMERR' | 'SERVFAIL' | 'NOTIMP' | 'REFUSED' | 'BADVERS'
  readonly what: string
  readonly remedy: string
}

export const dnsRefusalCatalogue = {
  'dns-malformed': {
    status: 'FORMERR',
    what: 'The packet is no DNS query with one question.',
    remedy: 'Look at the client that the log names; `dig` shows what a right query gets.',
  },
  'dns-not-a-query': {
    status: 'NOTIMP',
    what: 'The packet asks for an update, a notification or another operation than a query.',
    remedy: 'The catalog is changed by registering services, not through DNS.',
  },
  'dns-zone-transfer': {
    status: 'NOTIMP',
    what: 'The client asked for the whole zone.',
    remedy: 'Read `/v1/catalog/services` of the HTTP API instead.',
  },
  'dns-edns-version': {
    status: 'BADVERS',
    what: 'The client speaks a newer version of EDNS.',
    remedy: 'Nothing: clients repeat the question with version 0.',
  },
  'dns-class': {
    status: 'REFUSED',
    what: 'The question is of another class than IN.',
    remedy: 'Ask for class IN.',
  },
  'dns-outside-domain': {
    status: 'REFUSED',
    what: 'The name is outside of the mesh’s domains and no other name server may be asked.',
    remedy: 'Send only the mesh’s domain to the agent, or set `recursors` in its configuration.',
  },
  'dns-recursion-failed': {
    status: 'SERVFAIL',
    what: 'None of the configured name servers answered in time.',
    remedy: 'Check that `recursors` can be reached from this host: `dig @ADDRESS NAME`.',
  },
  'dns-no-server': {
    status: 'SERVFAIL',
    what: 'The agent reaches no server, and nobody asked for this name before.',
    remedy: 'Check `mesh status`; names that were asked before are answered all the same.',
  },
  'dns-too-stale': {
    status: 'SERVFAIL',
    what: 'The agent reaches no server, and what it knows is older than the configuration allows.',
    remedy: 'Bring the servers back, or raise `max_stale` or set `allow_stale` in `dns_config`.',
  },
  'dns-overloaded': {
    status: 'SERVFAIL',
    what: 'More queries wait for a server or for another name server than the agent holds.',
    remedy: 'Look at mesh_dns_queries_total for a client that asks for names that are not there.',
  },
  'dns-internal': {
    status: 'SERVFAIL',
    what: 'The agent failed in a way it should not.',
    remedy: 'The agent’s log tells more; please report it.',
  },
} as const satisfies Readonly<Record<string, DnsRefusalEntry>>

export type DnsRefusalCode = keyof typeof dnsRefusalCatalogue
