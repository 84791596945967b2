/** `mesh validate`: every mistake of a configuration with its place, without touching anything that runs. */
import { loadConfiguration } from '../config/load.ts'
import { readSources, showMistakes } from './configuration.ts'
import type { Context } from './declare.ts'
import { systemMachine } from './machine.ts'

export function validate({ terminal }: Context, paths: readonly string[]): void {
  const files = readSources(paths)
  const loaded = loadConfiguration(files, systemMachine())
  if (!loaded.ok) throw showMistakes(terminal, loaded.errors)
  const { services, checks } = loaded.value.definitions
  terminal.line(
    `Configuration is valid: ${plural(files.length, 'file')}, ${plural(services.length, 'service')}, ${plural(checks.length, 'check')} of their own.`,
  )
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
