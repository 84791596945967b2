// A program of a Debian package with a configuration file made from a template: started on loopback, stopped by its pid.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Child } from '../../peers/child.ts'
import { type DebianProgram, debianProgram } from '../../peers/debian.ts'
import { PeerMissing } from '../result.ts'

export function requireProgram(packageName: string, name: string): DebianProgram {
  const program = debianProgram(packageName, name)
  if (program === undefined) throw new PeerMissing(packageName)
  return program
}

/** Writes the template with its `${NAME}` filled in; the path of the file made. */
export function writeConfiguration(
  template: string,
  folder: string,
  values: Readonly<Record<string, string>>,
): string {
  const text = readFileSync(join(import.meta.dirname, 'configuration', template), 'utf8')
  const path = join(folder, basename(template))
  const filled = text.replaceAll(/\$\{([A-Z_]+)\}/g, (_whole, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${template} wants ${name}`)
    return value
  })
  writeFileSync(path, filled, { mode: 0o600 })
  return path
}

/**
 * In a session of its own, as ours are and as a service manager would start it: the kernel shares processors out by session
 * first, and who shares one with the load generator is woken later or sooner than the others.
 */
export function childOf(program: DebianProgram, args: readonly string[], logFile: string): Child {
  return new Child(['setsid', program.path, ...args], logFile, program.env)
}
