/**
 * Query parameters of the HTTP API by name: what each means, in one sentence. Which endpoint reads which is in operations.ts;
 * a test holds that list against what the endpoints really read.
 */

export interface Parameter {
  readonly description: string
  readonly schema: Readonly<Record<string, unknown>>
  /** May stand in a query without a value. */
  readonly flag?: true
}

const text = { type: 'string' } as const
const duration = { type: 'string', examples: ['10s', '1m30s'] } as const
const index = { type: 'string', pattern: '^[0-9]{1,20}$' } as const
const flag = { type: 'string', enum: ['', '1', 'true'] } as const
const list = { type: 'array', items: text } as const

export const parameters: Readonly<Record<string, Parameter>> = {
  dc: { description: 'Datacenter to ask; only the agent’s own exists.', schema: text },
  ns: { description: 'Namespace; only "default" exists.', schema: text },
  partition: { description: 'Partition; only "default" exists.', schema: text },
  peer: { description: 'Peer whose data is wanted; refused, there are none.', schema: text },
  sg: { description: 'Sameness group; refused, there are none.', schema: text },
  pretty: { description: 'Indents the JSON by four spaces.', schema: flag, flag: true },
  token: {
    description: 'Token; goes before the headers. Prefer X-Consul-Token: a query string ends up in logs.',
    schema: text,
  },
  index: {
    description: 'Answers when the result has a greater index than this (X-Consul-Index of the last answer).',
    schema: index,
  },
  wait: {
    description:
      'Longest wait of a read with index or hash; default 5m, at most 10m, plus up to a sixteenth.',
    schema: duration,
  },
  hash: {
    description: 'Answers when the content is another than this (X-Consul-ContentHash of the last answer).',
    schema: text,
  },
  force: {
    description: 'Also while certificates of the root may be valid: their connections are cut.',
    schema: flag,
    flag: true,
  },
  stale: { description: 'Any server may answer, or the agent itself.', schema: flag, flag: true },
  consistent: {
    description: 'The leader asks a majority first whether it still leads.',
    schema: flag,
    flag: true,
  },
  max_stale: {
    description: 'An answer that is older than this is fetched again from the leader.',
    schema: duration,
  },
  cached: {
    description: 'From the agent’s memory where it follows the service; Cache-Control bounds the age.',
    schema: flag,
    flag: true,
  },
  filter: {
    description: 'Keeps the rows for which the expression is true; docs/api.md has the language.',
    schema: text,
  },
  near: {
    description: 'Rows of near hosts first, seen from this one; "_agent" is the host that answers.',
    schema: text,
  },
  'merge-central-config': {
    description: 'Accepted; there are no central defaults to merge.',
    schema: flag,
    flag: true,
  },
  'node-meta': {
    description: 'Only nodes with this key:value; may be repeated, all must hold.',
    schema: list,
  },
  tag: {
    description:
      'Only instances with this tag, whatever its case; may be repeated, all must be there. Of events: an expression.',
    schema: list,
  },
  passing: {
    description: 'Only instances whose checks all pass.',
    schema: { type: 'string', enum: ['', '1', 't', 'true', '0', 'f', 'false'] },
    flag: true,
  },
  'replace-existing-checks': {
    description: 'Removes checks of the service that the body does not name.',
    schema: flag,
    flag: true,
  },
  enable: {
    description: 'true begins, false ends.',
    schema: { type: 'string', enum: ['true', 'false', '1', '0', 't', 'f'] },
  },
  reason: { description: 'Shown to whoever asks why.', schema: text },
  note: { description: 'Text that becomes the output of the check.', schema: text },
  format: {
    description: 'Another form of the answer: text for health, prometheus for metrics.',
    schema: { type: 'string', enum: ['json', 'text', 'prometheus'] },
  },
  pem: { description: 'The certificates as PEM instead of JSON.', schema: flag, flag: true },
  wan: { description: 'Members of the pool of servers across datacenters.', schema: flag, flag: true },
  prune: { description: 'Also forgets the member.', schema: flag, flag: true },
  'relay-factor': { description: 'Members that pass each answer on, against loss.', schema: index },
  segment: { description: 'Only "" and "_all" exist.', schema: text },
  loglevel: {
    description: 'Lowest level of the lines.',
    schema: { type: 'string', enum: ['trace', 'debug', 'info', 'warn', 'err', 'error'], default: 'info' },
  },
  logjson: { description: 'A JSON object for each line.', schema: flag, flag: true },
  seconds: { description: 'How long to measure.', schema: text },
  cas: {
    description: 'Writes only if the ModifyIndex is still this; 0: only if there is nothing yet.',
    schema: index,
  },
  flags: { description: 'A number of 64 bits that is kept beside the value.', schema: index },
  acquire: { description: 'Writes and locks the key for this session, if it is free.', schema: text },
  release: { description: 'Writes and unlocks the key, if this session holds it.', schema: text },
  recurse: { description: 'All keys that begin with this.', schema: flag, flag: true },
  keys: { description: 'Names only.', schema: flag, flag: true },
  separator: { description: 'With keys: names up to this.', schema: text },
  raw: { description: 'The bytes of the value as they are.', schema: flag, flag: true },
  source: { description: 'Source of the rule: a service, or *.', schema: text },
  destination: { description: 'Destination of the rule: a service, or *.', schema: text },
  'source-type': { description: 'Only "consul" exists.', schema: text },
  by: {
    description: 'Which end the names are.',
    schema: { type: 'string', enum: ['source', 'destination'] },
  },
  name: { description: 'A service, may be repeated; of events: their name.', schema: list },
  node: { description: 'Only hosts whose name matches this expression.', schema: text },
  service: { description: 'Only hosts with a service that matches this expression.', schema: text },
  id: { description: 'Id of a server.', schema: text },
  address: { description: 'Address of a server, host:port.', schema: text },
  timeout: { description: 'How long open connections may go on.', schema: duration },
}
