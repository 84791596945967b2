// One row of the compatibility page: a request to a real agent, what Consul answers to it (from reference/consul.md), and, where
// ours differs, how and why. What the row says comes from the answer, never from the row: see `judge`.
import type { Reply, Scene } from './scene.ts'

/** Throws what is wrong with an answer. */
export type Check = (reply: Reply, scene: Scene) => void | Promise<void>

export interface Row {
  /** Group on the page, Consul's path with `:names`, as its manual has it. */
  readonly section: string
  readonly endpoint: string
  /** What of the endpoint this is about; '' for the endpoint as such. */
  readonly part: string
  readonly ask: (scene: Scene) => Promise<Reply>
  readonly consul: Check
  /** Only where ours is another answer. */
  readonly differs?: Ours
  /** Only where ours has not got it, and says so in words of the endpoint. */
  readonly absent?: Ours
}

export interface Ours {
  readonly how: string
  readonly check: Check
}

export type Verdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'differs'; readonly how: string }
  | { readonly kind: 'absent'; readonly how: string }
  /** The answer is neither Consul's nor what the row says of ours. */
  | { readonly kind: 'wrong'; readonly why: string }

export async function judge(row: Row, scene: Scene): Promise<Verdict> {
  const reply = await row.ask(scene)
  const complaint = await complaintOf(row.consul, reply, scene)
  if (complaint === undefined) {
    if ((row.differs ?? row.absent) === undefined) return { kind: 'same' }
    return { kind: 'wrong', why: 'the row tells of a difference, and there is none' }
  }
  for (const kind of ['differs', 'absent'] as const) {
    const ours = row[kind]
    if (ours === undefined) continue
    const why = await complaintOf(ours.check, reply, scene)
    return why === undefined ? { kind, how: ours.how } : { kind: 'wrong', why }
  }
  const refusal = absence(reply)
  return refusal === undefined ? { kind: 'wrong', why: complaint } : { kind: 'absent', how: refusal }
}

async function complaintOf(check: Check, reply: Reply, scene: Scene): Promise<string | undefined> {
  try {
    await check(reply, scene)
    return undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `${why.slice(0, 600)}\nthe answer was ${reply.status} ${reply.text.slice(0, 300)}`
  }
}

const absentCodes = new Set(['unsupported-feature', 'needs-gossip', 'no-prepared-queries'])

/** How the API says that it does not have something; undefined where it does not say so. */
function absence({ status, text, headers }: Reply): string | undefined {
  const code = headers.get('x-mesh-reason') ?? ''
  if (absentCodes.has(code)) return `refused with ${status} (${code})`
  if (status === 404 && text === '' && !headers.has('x-consul-index')) return 'no such path: 404'
  return undefined
}
