/**
 * How a command ends when it does not succeed: a sentence for people and an exit status. Scripts rely on the status:
 * 0 done, 1 refused or failed, 2 called wrongly, 78 (EX_CONFIG) a program found its configuration wrong,
 * 255 the same for systemd's ExecCondition.
 */
export const exitStatus = {
  done: 0,
  failed: 1,
  usage: 2,
  /** `mesh apply -plan` found something to change, and showed it on standard output. */
  planned: 2,
  configuration: 78,
  condition: 255,
} as const

export class CommandFailure extends Error {
  readonly status: number
  /** The command or step that helps, ready to be typed; '' where the message says all. */
  readonly next: string

  constructor(message: string, options: { readonly next?: string; readonly status?: number } = {}) {
    super(message)
    this.name = 'CommandFailure'
    this.status = options.status ?? exitStatus.failed
    this.next = options.next ?? ''
  }
}

/** The command was called in a way that it cannot understand. */
export class UsageFailure extends CommandFailure {
  constructor(message: string, next = '') {
    super(message, { next, status: exitStatus.usage })
  }
}

/** What the system said, without its code and the path: "no such file or directory". */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^E[A-Z0-9]+: ([^,]+).*$/s, '$1')
}
