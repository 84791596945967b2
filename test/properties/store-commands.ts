// Random commands over few names, so that they meet: the same node, service, check and intention again and again.
import fc from 'fast-check'
import type { Check } from '../../src/model/check.ts'
import type { Command } from '../../src/model/command.ts'
import type { Service } from '../../src/model/service.ts'
import { aCheck, aMemberCheck, aNode, aService, aSidecar, intention } from '../unit/store/rows.ts'

export const nodeNames = ['n1', 'n2', 'n3'] as const
/** One is the beginning of another, and one the name of a sidecar. */
export const serviceNames = ['web', 'web2', 'db', 'web-sidecar-proxy'] as const
export const destinations = [...serviceNames, '*'] as const

const node = fc.constantFrom(...nodeNames)
const name = fc.constantFrom(...serviceNames)
const tags = fc.subarray(['a', 'b', 'v1'])
const status = fc.constantFrom<Check['status']>('passing', 'warning', 'critical')

const service: fc.Arbitrary<Service> = fc.oneof(
  fc
    .record({ name, id: fc.constantFrom('s1', 's1', 's2', 's3'), tags, port: fc.constantFrom(80, 81) })
    .map(({ name: called, ...rest }) => aService(called, rest)),
  fc.record({ of: name, id: fc.constantFrom('s2', 'p1') }).map(({ of, id }) => aSidecar(of, { id })),
  fc
    .record({ name, id: fc.constantFrom('s3', 'n1') })
    .map(({ name: called, id }) => aService(called, { id, connectNative: true })),
)

const registration = fc
  .record({
    node,
    address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    rack: fc.constantFrom('r1', 'r2'),
    services: fc.uniqueArray(service, { selector: (one) => one.id, maxLength: 2 }),
    checks: fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('c1', 'c2', 'c3'),
        serviceId: fc.constantFrom('', '', 's1', 's2'),
        status,
      }),
      { selector: (one) => one.id, maxLength: 2 },
    ),
    whole: fc.nat(3).map((n) => n > 0),
  })
  .map(
    (one): Command => ({
      type: 'catalog.register',
      node: one.whole ? aNode(one.node, { address: one.address, meta: { rack: one.rack } }) : one.node,
      services: one.services,
      checks: one.checks.map(({ id, serviceId, status: state }) =>
        aCheck(one.node, id, { serviceId, status: state }),
      ),
    }),
  )

const member = fc.record({ node, status }).map(
  (one): Command => ({
    type: 'catalog.register',
    node: one.node,
    services: [],
    checks: [aMemberCheck(one.node, one.status)],
  }),
)

const deregistration = fc
  .record({ node, which: fc.constantFrom('s1', 's2', 's3', 'p1', 'c1', 'c2', 'node') })
  .map(
    (one): Command => ({
      type: 'catalog.deregister',
      node: one.node,
      ...(one.which.startsWith('c')
        ? { checkId: one.which }
        : one.which === 'node'
          ? {}
          : { serviceId: one.which }),
    }),
  )

const action = fc.constantFrom('allow' as const, 'deny' as const)
const source = fc.constantFrom('web', 'db', '*')
const destination = fc.constantFrom(...destinations)

const rule = fc.oneof(
  fc.record({ source, destination, action }).map((one) => intention(one.source, one.destination, one.action)),
  fc
    .record({ sourceName: source, destinationName: destination })
    .map((one): Command => ({ type: 'intention.delete', ...one })),
  fc
    .record({
      name: destination,
      sources: fc.uniqueArray(fc.record({ name: source, action }), {
        selector: (one) => one.name,
        minLength: 1,
      }),
    })
    .map(
      (one): Command => ({
        type: 'config-entry.upsert',
        entry: {
          kind: 'service-intentions',
          name: one.name,
          meta: {},
          sources: one.sources.map((each) => ({ ...each, description: '', precedence: 0 })),
        },
      }),
    ),
  destination.map((one): Command => ({ type: 'config-entry.delete', kind: 'service-intentions', name: one })),
  action.map((one): Command => ({ type: 'settings.set', settings: { defaultIntentionAction: one } })),
)

/** Each the beginning of another one but the last. */
export const keys = ['a', 'a/', 'a/b', 'a/b/c', 'ab', 'b'] as const
const key = fc.constantFrom(...keys)
const casIndex = fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined })
const withCas = (index: number | undefined): { readonly casIndex?: number } =>
  index === undefined ? {} : { casIndex: index }

const keyWrite = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ key, value: fc.constantFrom('', 'eA==', 'eQ=='), flags: fc.constantFrom('0', '7'), casIndex })
      .map(({ casIndex: index, ...one }): Command => ({ type: 'kv.set', ...one, ...withCas(index) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ key, casIndex })
      .map((one): Command => ({ type: 'kv.delete', key: one.key, recurse: false, ...withCas(one.casIndex) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', ...keys)
      .map((at): Command => ({ type: 'kv.delete', key: at, recurse: true })),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map((upToIndex): Command => ({ type: 'kv.reap', upToIndex })),
  },
)

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: registration },
  { weight: 2, arbitrary: member },
  { weight: 2, arbitrary: deregistration },
  { weight: 3, arbitrary: rule },
  { weight: 4, arbitrary: keyWrite },
)

export const commands = fc.array(command, { maxLength: 40, size: '+1' })
