/**
 * What `?filter=` may name in the rows of each endpoint: the field names of the JSON beside this file, as Consul documents
 * them. Log indexes cannot be named, as in Consul. The language is model/filter's.
 */
import {
  type Field,
  type Fields,
  flag,
  mapOf,
  number,
  objectOf,
  objectsOf,
  text,
  texts,
} from '../../model/filter/fields.ts'

const textMap = mapOf(text)
const addresses = mapOf(objectOf({ Address: text, Port: number }))
const weights = objectOf({ Passing: number, Warning: number })
const connect = objectOf({ Native: flag })

const upstreams = objectsOf({
  DestinationType: text,
  DestinationName: text,
  Datacenter: text,
  LocalBindAddress: text,
  LocalBindPort: number,
  LocalBindSocketPath: text,
  LocalBindSocketMode: text,
  MeshGateway: objectOf({ Mode: text }),
})

const proxy: Field = objectOf({
  DestinationServiceName: text,
  DestinationServiceID: text,
  LocalServiceAddress: text,
  LocalServicePort: number,
  LocalServiceSocketPath: text,
  Mode: text,
  MeshGateway: objectOf({ Mode: text }),
  Upstreams: upstreams,
  Expose: objectOf({
    Checks: flag,
    Paths: objectsOf({ ListenerPort: number, Path: text, LocalPathPort: number, Protocol: text }),
  }),
  TransparentProxy: objectOf({ OutboundListenerPort: number, DialedDirectly: flag }),
})

export const nodeFields: Fields = {
  ID: text,
  Node: text,
  Address: text,
  Datacenter: text,
  TaggedAddresses: textMap,
  Meta: textMap,
}

/** Services of this host, of one node, and inside the entries of `/health/service`. */
export const serviceFields: Fields = {
  Kind: text,
  ID: text,
  Service: text,
  Tags: texts,
  Meta: textMap,
  Port: number,
  Address: text,
  SocketPath: text,
  TaggedAddresses: addresses,
  Weights: weights,
  EnableTagOverride: flag,
  Proxy: proxy,
  Connect: connect,
  Datacenter: text,
}

export const checkFields: Fields = {
  Node: text,
  CheckID: text,
  Name: text,
  Status: text,
  Notes: text,
  Output: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: texts,
  Type: text,
  Interval: text,
  Timeout: text,
  ExposedPort: number,
}

export const entryFields: Fields = {
  Node: objectOf(nodeFields),
  Service: objectOf(serviceFields),
  Checks: objectsOf(checkFields),
}

/** The flat rows of `/catalog/service`; `/catalog/services` names them too and shows which services have such a row. */
export const catalogServiceFields: Fields = {
  ID: text,
  Node: text,
  Address: text,
  Datacenter: text,
  TaggedAddresses: textMap,
  NodeMeta: textMap,
  ServiceKind: text,
  ServiceID: text,
  ServiceName: text,
  ServiceTags: texts,
  ServiceAddress: text,
  ServiceTaggedAddresses: addresses,
  ServiceWeights: weights,
  ServiceMeta: textMap,
  ServicePort: number,
  ServiceSocketPath: text,
  ServiceEnableTagOverride: flag,
  ServiceProxy: proxy,
  ServiceConnect: connect,
}

export const intentionFields: Fields = {
  ID: text,
  Description: text,
  SourceNS: text,
  SourceName: text,
  DestinationNS: text,
  DestinationName: text,
  SourceType: text,
  Action: text,
  Meta: textMap,
  Precedence: number,
}

export const configEntryFields: Fields = {
  Kind: text,
  Name: text,
  Meta: textMap,
  Sources: objectsOf({ Name: text, Action: text, Precedence: number, Type: text, Description: text }),
}

export const memberFields: Fields = { Name: text, Addr: text, Port: number, Status: number, Tags: textMap }
