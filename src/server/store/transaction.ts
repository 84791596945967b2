/**
 * One change of the state in the making: edits of all tables, the index rows that move, and the list of what readers
 * and subscribers must hear. The rules of single tables are in write-*.ts; store.ts makes it visible.
 */
import type { Enrollment, Host } from '../../model/authority.ts'
import type { ClusterSettings } from '../../model/config-entry.ts'
import { meshNameOf, type Service } from '../../model/service.ts'
import {
  type CountedTable,
  destinationRow,
  meshRow,
  nodeRow,
  serviceRow,
  type Touched,
  tableRow,
} from './indexes.ts'
import { key1, key2, key3, settingsKey } from './keys.ts'
import type { Row } from './row.ts'
import { type Edits, editTables, type Tables } from './tables.ts'

/** One instance as one health subject sees it: what it is now, the new state tells. */
export interface InstanceChange {
  readonly topic: 'mesh-health' | 'service-health'
  /** The service name or mesh name whose subject changed. */
  readonly key: string
  readonly node: string
  readonly serviceId: string
}

/** What one commit changed, for those who tell others. */
export interface Changes {
  readonly index: number
  readonly instances: readonly InstanceChange[]
  /** Destinations whose own intentions changed; `*` stands for all that follow it. */
  readonly destinations: ReadonlySet<string>
  /** Nodes that came, changed or went, or whose node-level checks did. */
  readonly nodes: ReadonlySet<string>
  readonly settings: boolean
  /** Roots, or which hosts were shut out: whom to trust. */
  readonly roots: boolean
  readonly gossipKeys: boolean
  /** Hosts whose rows changed: enrolled, or shut out. */
  readonly hosts: ReadonlySet<string>
  /** Ids of sessions that came or went. */
  readonly sessions: ReadonlySet<string>
}

export const nothingChanged = (index: number): Changes => ({
  index,
  instances: [],
  destinations: new Set(),
  nodes: new Set(),
  settings: false,
  roots: false,
  gossipKeys: false,
  hosts: new Set(),
  sessions: new Set(),
})

export class Transaction {
  readonly index: number
  /** Wall clock of the leader that proposed the command, milliseconds. */
  readonly atMs: number
  readonly edits: Edits
  readonly #instances = new Map<string, InstanceChange>()
  readonly #destinations = new Set<string>()
  readonly #nodes = new Set<string>()
  readonly #sessions = new Set<string>()
  #settings: boolean = false
  #roots: boolean = false
  #gossipKeys: boolean = false
  readonly #hosts = new Set<string>()

  constructor(index: number, tables: Tables, atMs: number) {
    this.index = index
    this.atMs = atMs
    this.edits = editTables(tables)
  }

  settings(): Row<ClusterSettings> | undefined {
    return this.edits.settings.get(settingsKey)
  }

  hasNode(name: string): boolean {
    return this.edits.nodes.get(key1(name)) !== undefined
  }

  hasService(node: string, serviceId: string): boolean {
    return this.edits.services.get(key2(node, serviceId)) !== undefined
  }

  enrollment(tokenHash: string): Row<Enrollment> | undefined {
    return this.edits.enrollments.get(key1(tokenHash))
  }

  host(node: string): Row<Host> | undefined {
    return this.edits.hosts.get(key1(node))
  }

  changes(): Changes {
    return {
      index: this.index,
      instances: [...this.#instances.values()],
      destinations: this.#destinations,
      nodes: this.#nodes,
      settings: this.#settings,
      roots: this.#roots,
      gossipKeys: this.#gossipKeys,
      hosts: this.#hosts,
      sessions: this.#sessions,
    }
  }

  /** Moves an index row to this transaction. */
  touch(touched: Touched): void {
    if (this.edits.indexes.get(touched.row)?.index === this.index) return
    this.edits.indexes.set(touched.row, { row: touched.row, index: this.index })
  }

  touchTable(table: CountedTable): void {
    this.touch(tableRow(table))
  }

  /** The thing is gone: its row goes too and readers fall back to the row of all that are gone. */
  extinguish(touched: Touched): void {
    this.edits.indexes.delete(touched.row)
    this.touch({ row: touched.extinct, extinct: '' })
  }

  /** An instance came, changed, went, or a check that counts for it did. Call after the trees are up to date. */
  instanceChanged(node: string, service: Service): void {
    this.#subjectChanged('service-health', service.name, node, service.id)
    this.#touchOrExtinguish(serviceRow(service.name), this.edits.instances.has(key1(service.name)))
    const mesh = meshNameOf(service)
    if (mesh === '') return
    this.#subjectChanged('mesh-health', mesh, node, service.id)
    this.#touchOrExtinguish(meshRow(mesh), this.edits.mesh.has(key1(mesh)))
  }

  nodeChanged(name: string): void {
    this.touch(nodeRow(name))
  }

  /** The node itself or a check of the whole node changed: what membership looks at. */
  memberChanged(name: string): void {
    this.#nodes.add(name)
  }

  sessionChanged(id: string): void {
    this.#sessions.add(id)
  }

  destinationChanged(name: string, exists: boolean): void {
    this.#destinations.add(name)
    this.#touchOrExtinguish(destinationRow(name), exists)
  }

  settingsChanged(): void {
    this.#settings = true
    this.touchTable('settings')
  }

  rootsChanged(): void {
    this.#roots = true
    this.touchTable('roots')
  }

  hostChanged(node: string): void {
    this.#hosts.add(node)
    this.touchTable('hosts')
  }

  gossipKeysChanged(): void {
    this.#gossipKeys = true
    this.touchTable('gossipKeys')
  }

  #touchOrExtinguish(touched: Touched, exists: boolean): void {
    if (exists) this.touch(touched)
    else this.extinguish(touched)
  }

  #subjectChanged(topic: InstanceChange['topic'], key: string, node: string, serviceId: string): void {
    const change = key3(topic === 'mesh-health' ? 'm' : 's', key, node) + serviceId
    if (!this.#instances.has(change)) this.#instances.set(change, { topic, key, node, serviceId })
  }
}
