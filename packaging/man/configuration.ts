/**
 * The page mesh-agent.hcl(5): every key of the configuration with what it takes. What it takes is what the reader of the key
 * says when it is given something else, so the page and the program cannot differ; what a key means, settings.ts says.
 */
import { agentSchema } from '../../src/config/agent-schema.ts'
import { checkSchema } from '../../src/config/check-schema.ts'
import { proxySchema, upstreamSchema } from '../../src/config/proxy-schema.ts'
import { Reading } from '../../src/config/reading.ts'
import type { Field, Schema, Shape } from '../../src/config/schema.ts'
import { serviceSchema } from '../../src/config/service-schema.ts'
import type { Issue } from './commands.ts'
import {
  bold,
  heading,
  type Item,
  items,
  literal,
  nameSection,
  page,
  plain,
  reference,
  section,
} from './roff.ts'
import { settings } from './settings.ts'

const name = 'mesh-agent.hcl'

export function configurationPage(issue: Issue): string {
  return page([
    heading({ name, section: 5, ...issue }),
    nameSection(name, 'configuration of a host of the mesh'),
    section('SYNOPSIS', [`${plain('/etc/mesh-agent/*.hcl')}\n.br\n${plain('/etc/mesh-agent/*.json')}`]),
    section('DESCRIPTION', description),
    literal(example),
    items('KEYS', keysOf(agentSchema).map(hostItem)),
    items('KEYS OF A SERVICE', keysOf(serviceSchema).map(formItem)),
    items('KEYS OF A PROXY', keysOf(proxySchema).map(formItem)),
    items('KEYS OF AN UPSTREAM', keysOf(upstreamSchema).map(formItem)),
    items('KEYS OF A CHECK', keysOf(checkSchema).map(formItem)),
    section('SEE ALSO', [
      [reference('mesh-validate', 1), reference('mesh-reload', 1), reference('mesh-agent.service', 8)].join(
        ',\n',
      ),
    ]),
  ])
}

const description = [
  `All files of the folder are read in the order of their names by the agent, the server and the proxy of a host, as one
configuration. Where a key stands twice the later one counts; lists and services are added up. The form is HCL or JSON, the
names are Consul's, and ${reference('mesh-validate', 1)} says what is wrong with file, line and column.`,
  `Services are taken up by ${bold('systemctl reload mesh-agent')}; of the other keys the journal names those that need a
restart.`,
]

const example = `server   = true
log_level = "info"

service {
  name = "web"
  port = 8080
}`

/** A key with the names of the blocks around it, such as `ports.http`. */
export interface Key {
  readonly path: string
  /** What it takes, such as "a whole number from 1 to 65535". */
  readonly form: string
  /** As it is written. */
  readonly example: string
}

/** All keys that a schema reads, those of its blocks included. */
export function keysOf({ shape }: Schema<Shape>, around = ''): readonly Key[] {
  return Object.entries(shape).flatMap(([key, field]) =>
    typeof field.join === 'object'
      ? keysOf(field.join, `${around}${key}.`)
      : [{ path: around + key, ...formOf(key, field) }],
  )
}

const nowhere = { path: '', line: 0, column: 0 }

/** Nothing takes null, so each reader says what it wants instead. */
function formOf(key: string, field: Field<unknown>): { readonly form: string; readonly example: string } {
  const reading = new Reading('file', 'hcl')
  field.read({ name: key, item: 0, at: nowhere, value: { kind: 'null', at: nowhere } }, reading)
  const [problem] = reading.problems()
  if (problem === undefined)
    throw new Error(`the reader of ${key} takes null, so it does not say what it wants`)
  return {
    form: problem.why.replace(/^it must be /, ''),
    example: /`(.*)`/s.exec(problem.remedy)?.[1] ?? '',
  }
}

const takes = ({ form, example: written }: Key): string =>
  `Takes ${plain(form.replaceAll('`', ''))}:\n.br\n${plain(written)}`

function hostItem(key: Key): Item {
  const meaning = settings[key.path]
  if (meaning === undefined) throw new Error(`packaging/man/settings.ts does not say what ${key.path} means`)
  return { term: bold(key.path), text: `${plain(meaning)} ${takes(key)}` }
}

const formItem = (key: Key): Item => ({ term: bold(key.path), text: takes(key) })
