/** The commands of the README, as an operator would copy them: which host, in which order, what exactly. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../packaging/bundle.ts'

export interface Block {
  /** `vm1`, `vm2` or `vm3`. */
  readonly host: string
  readonly commands: string
}

/** Blocks marked `<!-- on: HOST -->`, in the order in which they are read. */
export function readmeBlocks(): readonly Block[] {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  return [...text.matchAll(/<!-- on: (vm\d) -->\n```sh\n([\s\S]*?)```/g)].map((match) => ({
    host: match[1] ?? '',
    commands: match[2] ?? '',
  }))
}

/** Files that the README shows, by their path in the repository. */
export function readmeFiles(): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  return new Map(
    [...text.matchAll(/<!-- file: (\S+) -->\n```hcl\n([\s\S]*?)```/g)].map((match) => [
      match[1] ?? '',
      match[2] ?? '',
    ]),
  )
}
