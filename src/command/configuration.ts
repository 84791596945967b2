/** Reading configuration files for commands, and showing the mistakes in them: one line each, with the place first. */
import { formatConfigError } from '../config/format.ts'
import type { ConfigError, SourceFile } from '../config/settings.ts'
import { systemSourceFiles } from '../platform/source-files.ts'
import { CommandFailure, systemReason } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** The files that `paths` name, folders included; fails where one cannot be read or a folder holds none. */
export function readSources(paths: readonly string[]): readonly SourceFile[] {
  const { files, unreadable } = systemSourceFiles.read(paths)
  const [first] = unreadable
  if (first !== undefined)
    throw new CommandFailure(`${first.path} cannot be read: ${systemReason(first.message)}`)
  if (files.length === 0) throw new CommandFailure(`${paths.join(', ')}: no *.hcl or *.json file there`)
  return files
}

/** Shows every mistake; what is returned ends the command. */
export function showMistakes(terminal: Terminal, mistakes: readonly ConfigError[]): CommandFailure {
  for (const mistake of mistakes) terminal.note(formatConfigError(mistake))
  return new CommandFailure(mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`)
}
